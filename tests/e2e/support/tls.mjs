// Certificates made by openssl when the tests run: an authority, a server's for localhost, 127.0.0.1
// and ::1, a client's, and a server's of another authority.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { tempDir, writeFile } from './temp.mjs';

export function certificates(t) {
	const directory = tempDir(t);
	const read = (name) => fs.readFileSync(path.join(directory, name));
	authority(directory, 'ca');
	authority(directory, 'stranger');
	issue(directory, 'server', 'ca', 'DNS:localhost,IP:127.0.0.1,IP:::1');
	issue(directory, 'elsewhere', 'ca', 'DNS:elsewhere.test');
	issue(directory, 'client', 'ca', 'DNS:client.test');
	issue(directory, 'forged', 'stranger', 'DNS:localhost,IP:127.0.0.1');
	return {
		directory,
		file: (name) => path.join(directory, name),
		read,
		pair: (name) => ({ cert: read(`${name}.pem`), key: read(`${name}.key`) }),
	};
}

function openssl(directory, ...args) {
	execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' });
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

function authority(directory, name) {
	openssl(directory, 'req', '-x509', ...NEW_KEY, '-days', '2', '-subj', `/CN=${name}`,
		'-keyout', `${name}.key`, '-out', `${name}.pem`);
}

function issue(directory, name, issuer, names) {
	openssl(directory, 'req', ...NEW_KEY, '-subj', `/CN=${name}`,
		'-keyout', `${name}.key`, '-out', `${name}.csr`);
	writeFile(directory, `${name}.ext`, `subjectAltName=${names}\n`);
	openssl(directory, 'x509', '-req', '-in', `${name}.csr`, '-CA', `${issuer}.pem`,
		'-CAkey', `${issuer}.key`, '-CAcreateserial', '-days', '2', '-extfile', `${name}.ext`,
		'-out', `${name}.pem`);
}
