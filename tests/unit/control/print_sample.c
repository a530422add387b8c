/* Prints the sample's metrics, for a reader that is not ours. */
#include <stdio.h>
#include "broker/control/exposition.h"
#include "sample.h"

int main(void)
{
	static struct sample sample;
	struct strbuf text;

	sample_init(&sample);
	strbuf_init(&text);
	exposition_write(&sample.snapshot, &text);
	fwrite(text.text, 1, text.len, stdout);
	strbuf_fini(&text);
	return 0;
}
