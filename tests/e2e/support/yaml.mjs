// Writes plain objects as block YAML, the way a person would: only as much as our files need.

export function yaml(value, indent = '') {
	if (Array.isArray(value))
		return value.map((item) => `${indent}-${nested(item, indent)}`).join('');
	return Object.entries(value)
		.filter(([, member]) => member !== undefined)
		.map(([key, member]) => `${indent}${scalar(key)}:${nested(member, indent)}`)
		.join('');
}

function nested(value, indent) {
	if (value === null || typeof value !== 'object')
		return ` ${scalar(value)}\n`;
	if (Object.keys(value).length === 0)
		return Array.isArray(value) ? ' []\n' : ' {}\n';
	return `\n${yaml(value, `${indent}  `)}`;
}

function scalar(value) {
	const text = String(value);
	if (typeof value !== 'string' || /^[A-Za-z_/][\w./-]*$/.test(text) || /^\d+[A-Za-z]+$/.test(text))
		return text;
	return `'${text.replaceAll("'", "''")}'`;
}
