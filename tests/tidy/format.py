#!/usr/bin/env python3
"""Fails where a C file is not as the formatter would write it.

Usage: format.py CLANG_FORMAT [ROOT]
"""
import subprocess
import sys
from pathlib import Path

import tidy


def main():
    root = Path(sys.argv[2] if len(sys.argv) > 2 else Path(__file__).parents[2])
    command = [sys.argv[1], '--dry-run', '-Werror', '--style=file', *tidy.c_files(root)]
    return subprocess.run(command, cwd=root, check=False).returncode


if __name__ == '__main__':
    sys.exit(main())
