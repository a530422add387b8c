// Prometheus text, as far as one reads it to judge a test.

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

export function parseMetrics(text) {
	const samples = [];
	const types = new Map();
	for (const line of text.split('\n')) {
		const type = /^# TYPE (\S+) (\S+)$/.exec(line);
		if (type)
			types.set(type[1], type[2]);
		if (line === '' || line.startsWith('#'))
			continue;
		const match = SAMPLE.exec(line);
		if (!match)
			throw new Error(`not a sample: ${line}`);
		const labels = Object.fromEntries([...(match[2] ?? '').matchAll(LABEL)].map(([, k, v]) => [k, v]));
		samples.push({ name: match[1], labels, value: Number(match[3]) });
	}
	return {
		samples,
		types,
		sum: (name, labels) => sum(samples, name, labels),
		// All counters that speak of something, in their name or in a label.
		about: (pattern) => samples
			.filter(({ name, labels }) => name.endsWith('_total') && pattern.test([name, ...Object.values(labels)].join(' ')))
			.reduce((total, { value }) => total + value, 0),
	};
}

function sum(samples, name, labels = {}) {
	const fits = typeof name === 'string' ? (other) => other === name : (other) => name.test(other);
	return samples
		.filter((sample) => fits(sample.name))
		.filter((sample) => Object.entries(labels).every(([key, value]) => sample.labels[key] === value))
		.reduce((total, sample) => total + sample.value, 0);
}
