/* tests/unit/proto/json_accepted.h: what JSON is, one case each. */
#ifndef WSB_TESTS_UNIT_PROTO_JSON_ACCEPTED_H
#define WSB_TESTS_UNIT_PROTO_JSON_ACCEPTED_H

#include "common/span.h"

#define TEXT(literal)                                                                              \
	{                                                                                          \
		literal, sizeof(literal) - 1                                                       \
	}

static const struct span json_accepted[] = {
	/* structure */
	TEXT("{}"),
	TEXT("[]"),
	TEXT("[[]]"),
	TEXT("[{},[],{}]"),
	TEXT("{\"a\":{\"b\":{\"c\":[]}}}"),
	TEXT(" \t\r\n{ \"a\" : [ 1 , 2 ] , \"b\" : { } } \t\r\n"),
	TEXT("[1,\n2\r,\t3]"),
	TEXT("{\"\":0}"),
	TEXT("{\"a\":1,\"a\":2}"),
	TEXT("{\"a\\u0000b\":1}"),
	TEXT("[[[[[[[[1]]]],[[[2]]]],{}]]]"),
	/* scalars */
	TEXT("null"),
	TEXT("true"),
	TEXT("false"),
	TEXT("0"),
	TEXT("\"\""),
	TEXT(" \"alone\" "),
	/* numbers */
	TEXT("[0,-0,1,-1,10,123456789]"),
	TEXT("[0.0,0.5,-0.5,1.25,100.001]"),
	TEXT("[1e1,1E1,1e+1,1e-1,0e0,0E+0,1.5e10,-2.5E-3]"),
	TEXT("[123456789012345678901234567890]"),
	TEXT("[0.1234567890123456789012345678901234567890]"),
	TEXT("[1e0000000001]"),
	TEXT("[-0.0]"),
	/* strings */
	TEXT("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]"),
	TEXT("[\"\\u0041\\u00e9\\u20AC\\uFFFF\\u0000\"]"),
	TEXT("[\"\\uD83D\\uDE00\\ud800\\udc00\\uDBFF\\uDFFF\"]"),
	TEXT("[\"\x7f\"]"),
	TEXT("[\"\xc2\x80\xdf\xbf\"]"),
	TEXT("[\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\"]"),
	TEXT("[\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"]"),
	TEXT("[\"\xef\xbb\xbf in a string\"]"),
	TEXT("[\"a long plain string that spans more than one stride of the scanner\"]"),
	TEXT("[\"a long string with one \\n escape, then much more text without any\"]"),
	TEXT("[\"gr\xc3\xbc\xc3\x9f"
	     "e aus K\xc3\xb6ln, \xe6\x9d\xb1\xe4\xba\xac und \xf0\x9f\x8c\x8d\"]"),
	TEXT("[\"//\",\"/*\",\"#\",\"[\",\"]\",\"{\",\"}\",\",\",\":\"]"),
	TEXT("[\"\\\\\",\"\\\\\\\"\"]"),
	TEXT("[1234567,\"#\",\"]\",\"!#\"]"),
};

#define JSON_ACCEPTED (sizeof(json_accepted) / sizeof(json_accepted[0]))

#endif
