// A directory that lives as long as the test.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { cleanup } from './case.mjs';

export function tempDir(t) {
	const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'wsbroker-e2e-'));
	cleanup(t, () => fs.rmSync(directory, { recursive: true, force: true }));
	return directory;
}

export function writeFile(directory, name, text) {
	const file = path.join(directory, name);
	fs.writeFileSync(file, text);
	return file;
}
