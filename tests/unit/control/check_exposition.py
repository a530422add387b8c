#!/usr/bin/env python3
"""Reads Prometheus text (format 0.0.4) as its specification says, and fails on what it forbids.

Usage: check_exposition.py PROGRAM, which prints the text."""

import math
import re
import subprocess
import sys

NAME = re.compile(r'[a-zA-Z_:][a-zA-Z0-9_:]*')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"')
TYPES = {'counter', 'gauge', 'histogram'}


def parse_labels(text):
    labels = {}
    while text:
        match = LABEL.match(text)
        assert match, f'no label: {text!r}'
        assert match[1] not in labels, f'a label twice: {text!r}'
        labels[match[1]] = re.sub(r'\\(.)', lambda m: '\n' if m[1] == 'n' else m[1], match[2])
        text = text[match.end():]
        if text:
            assert text[0] == ',', f'no comma: {text!r}'
            text = text[1:]
    return labels


def parse_sample(line):
    name = NAME.match(line)[0]
    rest = line[len(name):]
    labels = {}
    if rest.startswith('{'):
        end = rest.rindex('}')
        labels = parse_labels(rest[1:end])
        rest = rest[end + 1:]
    assert re.fullmatch(r' [0-9.+\-eInfNa]+', rest), f'no value: {line!r}'
    return name, labels, float(rest)


def family_of(name, types):
    if name in types:
        return name
    base = re.sub(r'_(bucket|sum|count)$', '', name)
    assert types.get(base) == 'histogram', f'{name} has no TYPE'
    return base


def parse(text):
    assert text.endswith('\n')
    helps, types, samples, current = {}, {}, {}, None
    for line in text[:-1].split('\n'):
        if line.startswith('# '):
            _, keyword, name, rest = line.split(' ', 3)
            table = {'HELP': helps, 'TYPE': types}[keyword]
            assert name not in table, f'{keyword} of {name} twice'
            assert keyword != 'TYPE' or rest in TYPES
            assert name not in samples, f'{keyword} of {name} after its samples'
            table[name] = rest
            current = name
            continue
        name, labels, value = parse_sample(line)
        family = family_of(name, types)
        assert family == current, f'{name} stands apart from its family'
        key = (name, tuple(sorted(labels.items())))
        assert key not in samples.setdefault(family, {}), f'{key} twice'
        samples[family][key] = value
    assert set(helps) == set(types)
    return types, samples


def check_histogram(name, samples):
    series = {}
    for (sample, labels), value in samples.items():
        labels = dict(labels)
        bound = labels.pop('le', None)
        entry = series.setdefault(tuple(labels.items()), {'buckets': []})
        if sample.endswith('_bucket'):
            entry['buckets'].append((float(bound), value))
        else:
            entry[sample.rsplit('_', 1)[1]] = value
    for labels, entry in series.items():
        buckets = entry['buckets']
        assert buckets == sorted(buckets), f'{name}{labels}: buckets out of order'
        assert [count for _, count in buckets] == sorted(count for _, count in buckets)
        assert math.isinf(buckets[-1][0]) and buckets[-1][1] == entry['count']
        assert entry['sum'] >= 0


def main():
    text = subprocess.run(sys.argv[1:], check=True, capture_output=True).stdout.decode()
    types, samples = parse(text)
    for name, kind in types.items():
        if kind == 'histogram':
            check_histogram(name, samples[name])
        assert all(value >= 0 for value in samples.get(name, {}).values())
    pools = {dict(labels)['pool'] for _, labels in samples['wsbroker_pool_size']}
    assert pools == {'main', 'odd"\\\n'}, pools
    print(f'{len(types)} metrics, {sum(map(len, samples.values()))} samples')


main()
