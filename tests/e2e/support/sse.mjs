// A reader of Server-Sent Events that shows all it is told: ids, types, data, comments.

import http from 'node:http';
import { cleanup } from './case.mjs';
import { until, within } from './time.mjs';

// Follows url for as long as the test t. Resolves when the stream has begun.
export async function follow(t, url, { headers = {} } = {}) {
	const stream = new EventStream();
	const request = http.get(url, { headers: { accept: 'text/event-stream', ...headers } });
	cleanup(t, () => stream.close());
	stream.request = request;
	request.on('error', () => {});
	const response = await within(new Promise((resolve, reject) => {
		request.once('response', resolve);
		request.once('error', reject);
	}), `a stream from ${url}`);
	stream.read(response);
	return stream;
}

export class EventStream {
	constructor() {
		this.events = [];
		this.comments = [];
		this.lastId = undefined;
	}

	read(response) {
		let text = '';
		this.status = response.statusCode;
		this.type = response.headers['content-type'];
		this.response = response;
		response.setEncoding('utf8');
		response.on('data', (piece) => {
			text += piece;
			for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2))
				this.#block(text.slice(0, end).split('\n'));
		});
		response.on('error', () => {});
		this.ended = new Promise((resolve) => { response.once('close', resolve); });
	}

	#block(lines) {
		const event = {};
		for (const line of lines) {
			if (line.startsWith(':'))
				this.comments.push(line.slice(1).trim());
			else
				event[line.slice(0, line.indexOf(':'))] = line.slice(line.indexOf(':') + 1).trim();
		}
		this.lastId = event.id ?? this.lastId;
		if (event.data !== undefined)
			this.events.push({ ...event, data: JSON.parse(event.data) });
	}

	// All events so far, once there are as many.
	async seen(count, options) {
		await until(() => this.events.length >= count, { what: `${count} events`, ...options });
		return this.events;
	}

	close() {
		this.request?.destroy();
	}
}
