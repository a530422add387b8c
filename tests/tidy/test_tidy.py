#!/usr/bin/env python3
"""Shows that each rule of tidy.py fails on its violation, and that a good tree passes."""
import tempfile
import unittest
from pathlib import Path

import tidy

GOOD = {
    'common/meson.build': "common_lib = static_library('common', 'span.c')\n",
    'common/span.h': '#ifndef WSB_COMMON_SPAN_H\n#define WSB_COMMON_SPAN_H\n'
                     '#include <stddef.h>\nstruct span;\nextern const int span_max;\n#endif\n',
    'common/span.c': '#include "common/span.h"\n\nstatic const char *const names[] = {"a", "b"};\n',
    'proto/meson.build': "static_library('proto', 'codec.c')\n",
    'proto/codec.h': '#ifndef WSB_PROTO_CODEC_H\n#define WSB_PROTO_CODEC_H\n'
                     '#include "common/span.h"\nstruct codec {\n\tint kind;\n};\n#endif\n',
    'proto/codec.c': '#include "proto/codec.h"\n\n#include <jansson.h>\n#include <msgpack.h>\n',
    'broker/meson.build': "executable('wsbroker', 'main.c', 'worker.c')\n",
    'broker/main.c': '#include "broker/worker.h"\n#include "broker/pool/pool.h"\n',
    'broker/worker.h': '#ifndef WSB_BROKER_WORKER_H\n#define WSB_BROKER_WORKER_H\n#endif\n',
    'broker/worker.c': '#include "broker/worker.h"\n#include "broker/engine/engine.h"\n',
    'broker/pool/meson.build': "static_library('pool', 'pool.c', 'lease.c')\n",
    'broker/pool/pool.h': '#ifndef WSB_BROKER_POOL_POOL_H\n#define WSB_BROKER_POOL_POOL_H\n'
                          '#include "proto/codec.h"\n#endif\n',
    'broker/pool/pool.c': '#include "broker/pool/pool.h"\n\n'
                          'int pool_size(void)\n{\n\treturn 1;\n}\n',
    'broker/pool/lease.c': '#include "broker/pool/pool.h"\n',
    'broker/route/route.h': '#ifndef WSB_BROKER_ROUTE_ROUTE_H\n#define WSB_BROKER_ROUTE_ROUTE_H\n'
                            '#endif\n',
    'broker/engine/engine.h': '#ifndef WSB_BROKER_ENGINE_ENGINE_H\n'
                              '#define WSB_BROKER_ENGINE_ENGINE_H\n'
                              '#include "broker/pool/pool.h"\n#include "broker/route/route.h"\n'
                              '#endif\n',
    'broker/admin/admin.h': '#ifndef WSB_BROKER_ADMIN_ADMIN_H\n#define WSB_BROKER_ADMIN_ADMIN_H\n'
                            '#endif\n',
    'broker/io/meson.build': "static_library('io', 'loop.c')\n",
    'broker/io/loop.c': '#include <uv.h>\n#include <openssl/ssl.h>\n',
    'tests/unit/pool/meson.build': "foreach name : ['pool']\n"
                                   "  executable(name, 'test_' + name + '.c')\nendforeach\n",
    'tests/unit/pool/test_pool.c': '#include <criterion/criterion.h>\n'
                                   '#include "broker/pool/pool.h"\nstatic int calls;\n',
}


class Rules(unittest.TestCase):
    def violations(self, changes):
        """What is wrong with the good tree once the changes (path: text to append) are made."""
        files = dict(GOOD)
        for path, text in changes.items():
            files[path] = files.get(path, '') + text
        with tempfile.TemporaryDirectory() as folder:
            for path, text in files.items():
                (Path(folder) / path).parent.mkdir(parents=True, exist_ok=True)
                (Path(folder) / path).write_text(text, encoding='utf-8')
            return [f'{path}:{line}: {message}'
                    for path, line, message in tidy.check_tree(Path(folder))]

    def expect(self, path, text, *parts):
        """Appending text to the file breaks exactly one rule, and the message has the parts."""
        found = self.violations({path: text})
        self.assertEqual(len(found), 1, found)
        for part in (path, *parts):
            self.assertIn(part, found[0])

    def expect_good(self, path, text):
        self.assertEqual(self.violations({path: text}), [])

    def test_good_tree(self):
        self.assertEqual(self.violations({}), [])

    def test_sideways(self):
        self.expect('broker/pool/lease.c', '#include "broker/route/route.h"\n', 'sideways')
        self.expect_good('broker/worker.c', '#include "broker/admin/admin.h"\n')

    def test_sideways_on_upper_floors(self):
        found = self.violations({'broker/engine/a.c': '#include "broker/admin/admin.h"\n',
                                 'broker/engine/meson.build': "'a.c'\n"})
        self.assertEqual(found, ['broker/engine/a.c:1: includes broker/admin/admin.h sideways'])

    def test_upwards(self):
        self.expect('broker/pool/lease.c', '#include "broker/engine/engine.h"\n', 'up')
        self.expect('common/span.c', '#include "proto/codec.h"\n', 'up')
        self.expect('proto/codec.c', '#include "broker/pool/pool.h"\n', 'up')
        self.expect('broker/io/loop.c', '#include "broker/worker.h"\n', 'up')

    def test_unit_tests_know_their_column_alone(self):
        path = 'tests/unit/pool/test_pool.c'
        self.expect(path, '#include "broker/route/route.h"\n', 'sideways')
        self.expect_good(path, '#include "common/span.h"\n')

    def test_unknown_floor(self):
        found = self.violations({'broker/attic/a.c': '', 'broker/attic/meson.build': "'a.c'\n"})
        self.assertEqual(found, ['broker/attic/a.c:1: broker/attic stands on no floor'])

    def test_include_from_elsewhere_than_the_root(self):
        self.expect('broker/pool/lease.c', '#include "pool.h"\n', 'from the root')
        self.expect_good('broker/pool/lease.c', '/* #include "broker/route/route.h" */\n')

    def test_generated_headers_are_named_by_a_build_file(self):
        found = self.violations({'broker/main.c': '#include "version.h"\n',
                                 'broker/meson.build': "configure_file(output: 'version.h')\n"})
        self.assertEqual(found, [])

    def test_circle(self):
        found = self.violations({
            'broker/pool/a.h': '#ifndef WSB_BROKER_POOL_A_H\n#define WSB_BROKER_POOL_A_H\n'
                               '#include "broker/pool/b.h"\n#endif\n',
            'broker/pool/b.h': '#ifndef WSB_BROKER_POOL_B_H\n#define WSB_BROKER_POOL_B_H\n'
                               '#include "broker/pool/a.h"\n#endif\n'})
        self.assertEqual(len(found), 1, found)
        self.assertIn('circle: broker/pool/a.h > broker/pool/b.h > broker/pool/a.h', found[0])

    def test_third_parties(self):
        for header in ('msgpack.h', 'msgpack/unpack.h', 'uv.h', 'hiredis/async.h',
                       'openssl/ssl.h', 'zlib.h', 'yaml.h', 'curl/curl.h', 'zstd.h'):
            self.expect('broker/pool/lease.c', f'#include <{header}>\n', 'not at home')
        self.expect('common/span.c', '#include <jansson.h>\n', 'not at home')
        self.expect('common/span.c', '#include <glib.h>\n', 'without a home')
        self.expect_good('broker/pool/lease.c', '#include <jansson.h>\n#include <sys/uio.h>\n')
        self.expect_good('tests/unit/pool/test_pool.c', '#include <msgpack.h>\n')

    def test_third_party_of_a_test_alone(self):
        text = '#include <libwebsockets.h>\n'
        self.expect('broker/io/loop.c', text, 'not at home')
        self.expect('tests/unit/pool/test_pool.c', text, 'not at home in tests/unit/pool')
        found = self.violations({'tests/bench/a.c': text, 'tests/bench/meson.build': "'a.c'\n"})
        self.assertEqual(found, [])

    def test_long_line(self):
        self.expect('broker/pool/lease.c', '/*' + 'x' * 97 + '*/\n', '101 columns')
        self.expect('broker/pool/lease.c', '\t\t/*' + 'x' * 81 + '*/\n', '101 columns')
        self.expect_good('broker/pool/lease.c', '\t\t/*' + 'x' * 80 + '*/\n')

    def test_long_function(self):
        self.expect('broker/pool/lease.c', 'void f(void)\n{\n' + '\tg();\n' * 59 + '}\n',
                    'the function has 61 lines')
        self.expect_good('broker/pool/lease.c', 'void f(void)\n{\n' + '\tg();\n' * 58 + '}\n')

    def test_long_files(self):
        self.expect('broker/pool/lease.c', '\n' * 600, 'the file has 601 lines')
        self.expect('broker/pool/pool.h', '\n' * 197, 'the file has 201 lines')
        self.expect_good('broker/pool/lease.c', '\n' * 599)

    def test_banned_calls(self):
        for name in ('strcpy', 'strcat', 'sprintf', 'vsprintf', 'strtok', 'atoi', 'atol', 'gets',
                     'alloca', 'time', 'gettimeofday', 'clock_gettime'):
            self.expect('broker/pool/lease.c', f'void f(void)\n{{\n\t{name} (x);\n}}\n',
                        f'{name}()')
        self.expect('tests/unit/pool/test_pool.c', 'void f(void)\n{\n\tatoi(x);\n}\n', 'atoi()')

    def test_calls_that_only_look_banned(self):
        for line in ('snprintf(x);', 'p->time(x);', 'start_time(x);', 'g("atoi(x)");',
                     '/* gets() */'):
            self.expect_good('broker/pool/lease.c', f'void f(void)\n{{\n\t{line}\n}}\n')

    def test_the_clock_reads_the_time(self):
        found = self.violations({'common/clock.c': 'void f(void)\n{\n\tclock_gettime(x);\n}\n',
                                 'common/meson.build': "'clock.c'\n"})
        self.assertEqual(found, [])

    def test_mutable_statics(self):
        for declaration in ('static int count;', 'static int count = 0;', 'int count;',
                            'static const char *name;', 'static struct pool *pools[4] = {0};',
                            'static void (*handler)(int);', 'static struct pool pool;',
                            'static _Thread_local int depth;', 'struct {\n\tint a;\n} state;',
                            'static int x __attribute__((aligned(64)));'):
            self.expect('broker/pool/lease.c', declaration + '\n', 'mutable')
        self.expect('broker/pool/lease.c', 'void f(void)\n{\n\tstatic int calls;\n}\n', 'mutable')

    def test_statics_that_do_not_change(self):
        for declaration in ('static const int sizes[] = {1, 2};', 'static void f(int (*g)(void));',
                            'static const struct x *const all[] = {&a};', 'enum a { B, C };',
                            'static void (*const handlers[])(int) = {f};', 'typedef int number;',
                            'void f(void)\n{\n\tstatic const char digits[] = "01";\n}',
                            'static inline int f(void)\n{\n\treturn 0;\n}', 'struct x;',
                            '_Static_assert(sizeof(int) == 4, "x");', '#define X(a) static int a'):
            self.expect_good('broker/pool/lease.c', declaration + '\n')

    def test_statics_that_a_library_forces_upon_us(self):
        self.expect_good('broker/io/loop.c', 'static int session_index = -1;\n')
        self.expect('broker/io/loop.c', 'static int count;\n', 'mutable')
        self.expect('broker/pool/lease.c', 'static int session_index = -1;\n', 'mutable')

    def test_source_that_is_not_built(self):
        self.expect('broker/pool/lost.c', '', 'no meson.build')
        self.expect('tests/unit/pool/test_lost.c', '', 'no meson.build')
        found = self.violations({'tests/support/peer.c': '',
                                 'tests/unit/pool/meson.build': "'../../support/peer.c'\n"})
        self.assertEqual(found, [])

    def test_unfinished_work(self):
        for word in ('TO' 'DO', 'FIX' 'ME', 'XX' 'X', 'HA' 'CK'):
            self.expect('broker/pool/lease.c', f'/* {word}: later */\n', word)
            self.expect('tests/e2e/steady.mjs', f'// {word}\n', word)
        self.expect_good('broker/pool/lease.c', 'static const char path[] = "fileXXXXXX";\n')

    def test_header_guard(self):
        found = self.violations({'broker/pool/a.h': '#pragma once\n',
                                 'broker/pool/b.h': '#ifndef POOL_B_H\n#define POOL_B_H\n#endif\n',
                                 'broker/pool/c.h': ''})
        self.assertEqual(found, [f'broker/pool/{name}.h:1: the header guard is not '
                                 f'WSB_BROKER_POOL_{name.upper()}_H' for name in 'abc'])


if __name__ == '__main__':
    unittest.main()
