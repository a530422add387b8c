#!/usr/bin/env python3
"""Holds the house rules that no compiler knows: floors, homes of third parties, sizes, calls.

Usage: tidy.py [ROOT]. Prints one line for each violation and exits with 1 if there is any.
"""
import os
import re
import sys
from pathlib import Path

COLUMNS_MAX = 100
TAB_COLUMNS = 8
FUNCTION_LINES_MAX = 60
SOURCE_LINES_MAX = 600
HEADER_LINES_MAX = 200

# The floors, from the ground up. A file may include its own folder and lower floors: what stands
# beside it on the same floor is as forbidden as what stands above.
FLOORS = {
    'common': 1,
    'proto': 2,
    **{'broker/' + column: 3 for column in ('session', 'subscription', 'route', 'exchange', 'pool',
                                            'cache', 'journal', 'performance')},
    'broker/control': 4,
    'broker/console': 4,
    'broker/engine': 5,
    'broker/admin': 5,
    'broker/io': 6,
    'broker/tool': 7,
    'broker/worker': 7,  # worker.c and worker.h
    'broker/main': 8,    # main.c
}

# Where a third party may be seen. Tests may look at whatever they need as a judge, but what no part
# of the broker may use has its home among them, and is held to it.
HOMES = (
    (re.compile(r'msgpack(\.h|/)'), ('proto',)),
    (re.compile(r'uv(\.h|/)'), ('broker/io',)),
    (re.compile(r'hiredis(\.h|/)'), ('broker/io',)),
    (re.compile(r'openssl/'), ('broker/io',)),
    (re.compile(r'zlib\.h'), ('broker/io',)),
    (re.compile(r'yaml\.h'), ('broker/control',)),
    (re.compile(r'curl/'), ('broker/console',)),
    (re.compile(r'(zstd|xxhash)\.h'), ('broker/cache', 'broker/route')),
    (re.compile(r'libwebsockets\.h'), ('tests/bench',)),
    (re.compile(r'jansson\.h'), tuple(folder for folder in FLOORS if folder != 'common')),
)
SYSTEM_HEADERS = re.compile(
    r'((sys|net|netinet|arpa|linux)/\w+|assert|ctype|dirent|endian|errno|fcntl|getopt|grp|inttypes'
    r'|fnmatch|limits|locale|malloc|math|netdb|poll|pthread|pwd|regex|sched|semaphore|signal'
    r'|spawn|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|stdnoreturn|string'
    r'|strings|syslog|termios|time|unistd|wchar|\w*mmintrin|arm_neon)\.h')

# What may not be called, and who may all the same. tests/bench shares no line with the broker.
BANNED = (
    (re.compile(r'(?<![\w.>])(strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|atoll|gets|alloca)'
                r'\s*\('), ()),
    (re.compile(r'(?<![\w.>])(time|gettimeofday|clock_gettime)\s*\('),
     ('common/clock.c', 'tests/bench/')),
)

# What must be static and change, since its library hands no context along: OpenSSL's indices.
MUTABLE_IN_IO = re.compile(r'\w+_index')

UNFINISHED = re.compile(r'\b(' + '|'.join(('TO' 'DO', 'FIX' 'ME', 'XX' 'X', 'HA' 'CK')) + r')\b')

SKIPPED_FOLDERS = {'node_modules', 'build', 'subprojects', '__pycache__'}


class Source:
    """One C file: its text, and the same with comments and literals blanked, line by line."""

    def __init__(self, root, path):
        self.path = path
        self.text = (root / path).read_text(encoding='utf-8', errors='replace')
        self.bare = blank(self.text, literals=False)
        self.code = blank(self.text, literals=True)
        self.is_header = path.endswith('.h')
        self.is_test = path.startswith('tests/')

    def line_of(self, offset):
        return self.text.count('\n', 0, offset) + 1

    def includes(self):
        """(line, kind, name) of each include; kind is '"' or '<'."""
        for match in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', self.bare, re.M):
            yield self.line_of(match.start()), match.group(1), match.group(2)


def blank(text, literals):
    """Replaces comments, and if asked for the contents of literals, by blanks of the same shape."""
    def hide(match):
        token = match.group(0)
        if token[0] == '/':
            return re.sub(r'[^\n]', ' ', token)
        if not literals:
            return token
        return token[0] + ' ' * (len(token) - 2) + token[-1]

    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', hide, text,
                  flags=re.S)


def column_of(path):
    """The column a file belongs to, 'broker/pool'; a unit test belongs to the one it tests."""
    if path.startswith('tests/unit/'):
        name = path.split('/')[2]
        path = path.replace('tests/unit/', '' if name in FLOORS else 'broker/', 1)
    elif path.startswith('tests/'):
        return None
    parts = path.split('/')
    if parts[0] != 'broker':
        return parts[0]
    return 'broker/' + parts[1].split('.')[0]


def check_floor(source, known, named):
    column = column_of(source.path)
    if column is not None and column not in FLOORS:
        yield 1, f'{column} stands on no floor'
        return
    for line, kind, name in source.includes():
        if kind == '<':
            continue
        if source.is_test and os.path.dirname(source.path) + '/' + name in known:
            continue
        if name not in known:
            if os.path.basename(name) not in named:
                yield line, f'"{name}" names no file from the root of the tree'
            continue
        other = column_of(name)
        if column is None or other == column or name.startswith('tests/') and source.is_test:
            continue
        if other not in FLOORS:
            yield line, f'includes {name}, which stands on no floor'
        elif FLOORS[other] > FLOORS[column]:
            yield line, f'includes {name}, {FLOORS[other] - FLOORS[column]} floor(s) up'
        elif FLOORS[other] == FLOORS[column]:
            yield line, f'includes {name} sideways'


def check_third_parties(source):
    folder = os.path.dirname(source.path) if source.is_test else column_of(source.path)
    for line, kind, name in source.includes():
        homes = next((homes for pattern, homes in HOMES if pattern.match(name)), None)
        if source.is_test and not (homes and homes[0].startswith('tests/')):
            continue
        if homes is not None and folder not in homes:
            yield line, f'{name} is not at home in {folder}'
        elif homes is None and kind == '<' and not SYSTEM_HEADERS.fullmatch(name):
            yield line, f'{name} is a third party without a home'


def check_sizes(source):
    lines = source.text.split('\n')
    limit = HEADER_LINES_MAX if source.is_header else SOURCE_LINES_MAX
    if len(lines) - 1 > limit:
        yield limit + 1, f'the file has {len(lines) - 1} lines, more than {limit}'
    for number, line in enumerate(lines, 1):
        width = len(line.expandtabs(TAB_COLUMNS))
        if width > COLUMNS_MAX:
            yield number, f'the line has {width} columns, more than {COLUMNS_MAX}'
    # The form is the formatter's: a brace in the first column begins or ends a function.
    begin = None
    for number, line in enumerate(source.code.split('\n'), 1):
        if line.startswith('{'):
            begin = number
        elif line.startswith('}') and begin is not None:
            length = number - begin + 1
            if length > FUNCTION_LINES_MAX:
                yield begin, f'the function has {length} lines, more than {FUNCTION_LINES_MAX}'
            begin = None


def check_banned(source):
    for pattern, exempt in BANNED:
        if source.path.startswith(exempt):
            continue
        for match in pattern.finditer(source.code):
            yield source.line_of(match.start()), f'calls {match.group(1)}()'


def top_level(code):
    """(offset, text) of each statement outside of functions, its braced parts shown as {}."""
    code = re.sub(r'^[ \t]*#(?:\\\n|[^\n])*', lambda m: re.sub(r'[^\n]', ' ', m.group(0)), code,
                  flags=re.M)
    depth, begin, kept = 0, None, []
    for offset, char in enumerate(code):
        if char == '}':
            depth -= 1
            statement = ''.join(kept)
            is_function = '=' not in statement and ')' in statement
            if depth == 0 and is_function:
                begin, kept = None, []
            elif depth == 0:
                kept.append('{}')
        elif char == '{':
            depth += 1
        elif depth == 0 and char == ';':
            if begin is not None:
                yield begin, ''.join(kept)
            begin, kept = None, []
        elif depth == 0:
            if begin is None and not char.isspace():
                begin = offset
            if begin is not None:
                kept.append(char)


def is_mutable(declaration):
    """Whether it defines a variable that can change: const must stand behind the last star."""
    declarator = declaration.split('=')[0]
    pointer = re.match(r'[^(]*\(\s*\*([^)]*)\)', declarator)
    if pointer:
        return 'const' not in pointer.group(1).split()
    if '(' in declarator:
        return False
    return 'const' not in re.findall(r'\w+', declarator.rsplit('*', 1)[-1])


def check_mutable(source):
    if source.is_test:
        return
    code = re.sub(r'__attribute__\s*\(\(.*?\)\)', lambda m: re.sub(r'\S', ' ', m.group(0)),
                  source.code, flags=re.S)
    for offset, statement in top_level(code):
        words = re.findall(r'\w+', statement.split('=')[0])
        defines_type = re.fullmatch(r'(struct|union|enum)\s*\w*\s*(\{\})?\s*', statement)
        is_type = defines_type or {'typedef', 'extern', '_Static_assert'}.intersection(words)
        if is_type or len(words) < 2:
            continue
        if source.path.startswith('broker/io/') and MUTABLE_IN_IO.fullmatch(words[-1]):
            continue
        if is_mutable(statement):
            yield source.line_of(offset), f'mutable at file scope: {words[-1]}'
    for match in re.finditer(r'^[ \t]+static\b([^;{=]*)', code, re.M):
        if is_mutable(match.group(1)):
            yield source.line_of(match.start()), f'mutable static:{match.group(1).rstrip()}'


def check_guard(source):
    if not source.is_header:
        return
    guard = 'WSB_' + re.sub(r'\W', '_', source.path).upper()
    directives = re.findall(r'^#.*', source.bare, re.M)
    if [line.rstrip() for line in directives[:2]] != ['#ifndef ' + guard, '#define ' + guard] or \
       not directives[-1].startswith('#endif'):
        yield 1, f'the header guard is not {guard}'


def find_circles(sources):
    """Walks the includes depth first; a file met again while it is being walked closes a circle."""
    graph = {source.path: [(line, name) for line, kind, name in source.includes() if kind == '"']
             for source in sources}
    done = set()

    def walk(path, trail):
        for line, name in graph.get(path, ()):
            if name in trail:
                circle = trail[trail.index(name):] + [name]
                yield path, line, 'includes in a circle: ' + ' > '.join(circle)
            elif name not in done:
                yield from walk(name, trail + [name])
        done.add(path)

    for path in sorted(graph):
        if path not in done:
            yield from walk(path, [path])


def find_built(builds):
    """All paths that meson.build files name: 'a.c', '../support/a.c', or 'test_' + name with 'a'
    listed, each from the folder of the meson.build."""
    built = set()
    for folder, text in builds.items():
        names = re.findall(r"'([^'\n]+)'", text)
        prefixes = set(re.findall(r"'([^'\n]*_)' \+", text))
        listed = [name for name in names if name.endswith('.c')]
        listed += [prefix + name + '.c' for prefix in prefixes for name in names]
        built.update(os.path.normpath(os.path.join(folder, name)) for name in listed)
    return built


def find_files(root):
    """The paths of all files that are ours, relative to the root, in order."""
    for top in ('broker', 'common', 'proto', 'tests', 'deploy'):
        for folder, folders, names in os.walk(root / top):
            folders[:] = sorted(name for name in folders
                                if name not in SKIPPED_FOLDERS and not name.startswith('.'))
            for name in sorted(names):
                yield (Path(folder) / name).relative_to(root).as_posix()


def c_files(root):
    return [path for path in find_files(root) if path.endswith(('.c', '.h'))]


def check_unfinished(root):
    for path in find_files(root):
        name = os.path.basename(path)
        if not (name.endswith(('.c', '.h', '.py', '.js', '.mjs', '.ts', '.sh', '.yaml', '.md'))
                or name == 'meson.build'):
            continue
        text = (root / path).read_text(encoding='utf-8', errors='replace')
        for match in UNFINISHED.finditer(text):
            line = text.count('\n', 0, match.start()) + 1
            yield path, line, f'{match.group(1)}: finish it or leave it out'


def check_tree(root):
    """All violations in the tree: (path, line, message)."""
    sources = [Source(root, path) for path in c_files(root)]
    known = {source.path for source in sources}
    builds = {os.path.dirname(path): (root / path).read_text(encoding='utf-8')
              for path in find_files(root) if os.path.basename(path) == 'meson.build'}
    generated = set(re.findall(r"'(?:[^'\n]*/)?([\w.]+\.h)'", '\n'.join(builds.values())))
    built = find_built(builds)
    for source in sources:
        for line, message in check_floor(source, known, generated):
            yield source.path, line, message
        for check in (check_third_parties, check_sizes, check_banned, check_mutable, check_guard):
            for line, message in check(source):
                yield source.path, line, message
        if not source.is_header and source.path not in built:
            yield source.path, 1, 'no meson.build names this source'
    yield from find_circles(sources)
    yield from check_unfinished(root)


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2])
    violations = sorted(set(check_tree(root)))
    for path, line, message in violations:
        print(f'{path}:{line}: {message}')
    return 1 if violations else 0


if __name__ == '__main__':
    sys.exit(main())
