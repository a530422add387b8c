#!/usr/bin/env python3
"""Holds the units of deploy/systemd against systemd itself, which need not be running.

units.py TOP: skipped (exit code 77) without systemd-analyze.
"""
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOP = Path(sys.argv.pop(1))
UNITS = TOP / 'deploy/systemd'
EXPOSURE_MAX = 2.0


def analyze(*args):
    result = subprocess.run(['systemd-analyze', '--no-pager', *args], capture_output=True, text=True, check=False)
    return result.returncode, result.stdout + result.stderr


def settings(name):
    """All values of each setting of a unit."""
    values = {}
    for line in (UNITS / name).read_text().splitlines():
        if match := re.match(r'(\w+)=(.*)$', line):
            values.setdefault(match.group(1), []).append(match.group(2))
    return values


def seconds(text):
    number, unit = re.fullmatch(r'(\d+)(ms|s|m)', text).groups()
    return int(number) * {'ms': 0.001, 's': 1, 'm': 60}[unit]


class Units(unittest.TestCase):
    def test_verify(self):
        """The program need not be installed where it will be."""
        with tempfile.TemporaryDirectory() as folder:
            for unit in [*UNITS.glob('*.service'), *UNITS.glob('*.socket')]:
                text = unit.read_text().replace('/usr/local/bin/wsbroker', '/bin/true')
                (Path(folder) / unit.name).write_text(text)
            code, said = analyze('verify', '--man=no', *map(str, sorted(Path(folder).iterdir())))
        ours = [line for line in said.splitlines() if 'wsbroker' in line or folder in line]
        self.assertEqual((code, ours), (0, []), said)

    def test_exposure(self):
        code, said = analyze('security', '--offline=true', f'--threshold={int(EXPOSURE_MAX * 10)}',
                             str(UNITS / 'wsbroker.service'))
        self.assertEqual(code, 0, said)
        exposure = float(re.search(r'exposure level for \S+: ([\d.]+)', said).group(1))
        self.assertLessEqual(exposure, EXPOSURE_MAX)

    def test_what_the_configuration_says_fits_the_units(self):
        text = (UNITS / 'wsbroker.yaml').read_text()
        service, socket = settings('wsbroker.service'), settings('wsbroker.socket')
        for name in re.findall(r'fd:(\w+)', text):
            self.assertIn(name, socket['FileDescriptorName'])
        for folder, setting in (('/var/lib', 'StateDirectory'), ('/run', 'RuntimeDirectory')):
            self.assertIn(f'{folder}/{service[setting][0]}/', text)
        drain = sum(seconds(value) for value in re.findall(r'(?:delay|timeout): (\w+)', text))
        self.assertGreater(seconds(service['TimeoutStopSec'][0]), drain)
        self.assertGreater(drain, 0)

    def test_the_user_is_made(self):
        users = re.findall(r'^u (\S+)', (UNITS / 'wsbroker.sysusers.conf').read_text(), re.M)
        self.assertEqual(settings('wsbroker.service')['User'], users)


if __name__ == '__main__':
    if not shutil.which('systemd-analyze'):
        sys.exit(77)
    unittest.main()
