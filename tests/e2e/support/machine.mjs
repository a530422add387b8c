// A machine of its own under the real systemd: a container that has this machine's programs and network,
// but nothing of its settings, services and files. It is booted in about a second, and gone with the test.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { cleanup } from './case.mjs';
import { Child } from './child.mjs';
import { tempDir, writeFile } from './temp.mjs';
import { until, within } from './time.mjs';

// Runs each script that it is told the name of, one after the other.
const SHELL = `#!/bin/bash
exec 3<>/play/names
touch /play/begun
while read -r -u 3 name; do
	[ "$name" = end ] && exit
	bash "/play/$name" >"/play/$name.out" 2>&1 3>&-
	echo $? >"/play/$name.new" && mv "/play/$name.new" "/play/$name.code"
done
`;

const SHELL_UNIT = `[Unit]
SuccessAction=exit
FailureAction=exit
[Service]
Type=oneshot
TimeoutStartSec=infinity
WorkingDirectory=/play
Environment=HOME=/root SYSTEMD_PAGER= SYSTEMD_COLORS=0
ExecStart=/bin/bash /play/shell
`;

export const canBoot = process.getuid() === 0 && spawnSync('systemd-nspawn', ['--version']).status === 0;

// The folder /play is its directory here, /usr/local/bin is /play/bin. Null: it cannot be booted here, for
// reasons that are said to t.
export async function bootMachine(t) {
	const directory = tempDir(t);
	writeFile(directory, 'shell', SHELL);
	const unit = writeFile(directory, 'shell.service', SHELL_UNIT);
	fs.mkdirSync(path.join(directory, 'bin'));
	spawnSync('mkfifo', [path.join(directory, 'names')]);
	const child = new Child('systemd-nspawn', ['-D', '/', '--volatile=yes', '--boot', '--register=no', '--keep-unit',
		'-M', `wsb${process.pid}`, '--link-journal=no', '--console=pipe', `--bind=${directory}:/play`,
		`--bind=${directory}/bin:/usr/local/bin`, `--bind-ro=${unit}:/etc/systemd/system/shell.service`, '--', '--unit=shell.service']);
	const machine = new Machine(directory, child);
	cleanup(t, () => machine.end());
	await until(() => !child.running || fs.existsSync(path.join(directory, 'begun')), { what: 'the machine to boot' })
		.catch(() => child.end('SIGKILL'));
	if (child.running)
		return machine;
	t.diagnostic(child.output);
	return null;
}

class Machine {
	constructor(directory, child) {
		this.directory = directory;
		this.child = child;
		this.count = 0;
	}

	#tell(name) {
		fs.appendFileSync(path.join(this.directory, 'names'), `${name}\n`);
	}

	// Runs a script to its end: {code, output}.
	async run(script, { deadline = 30000 } = {}) {
		const name = `script${++this.count}`;
		const file = writeFile(this.directory, name, `${script}\n`);
		this.#tell(name);
		await until(() => fs.existsSync(`${file}.code`), { what: `the end of ${script}`, deadline });
		return { code: Number(fs.readFileSync(`${file}.code`, 'utf8')), output: fs.readFileSync(`${file}.out`, 'utf8') };
	}

	// Runs one that must succeed, and returns what it printed.
	async does(script, options) {
		const { code, output } = await this.run(script, options);
		if (code !== 0)
			throw new Error(`${script}: exit code ${code}\n${output}`);
		return output.trim();
	}

	// One property of a unit.
	property(unit, name) {
		return this.does(`systemctl show ${unit} -p ${name} --value`);
	}

	async end() {
		if (!this.child.running)
			return;
		this.#tell('end');
		await within(this.child.ended, 'end of the machine').catch(() => this.child.end('SIGKILL'));
	}
}
