// The books of the chaos test: each call is opened once and must be closed once, by an answer that
// names it or by an error of the broker's own.

// No call may stay open longer than this after the last was sent (the routes' deadline is 20 s).
export const PATIENCE = 40000;

const CODES = { unavailable: -32000, upstream_lost: -32001, timeout: -32002, overloaded: -32003 };

export class Book {
	#open = new Map();
	#closed = new Set();

	constructor() {
		this.faults = [];
		this.kinds = new Map();
		this.reasons = new Map();
		this.answered = 0;
		this.refused = 0;
	}

	get open() {
		return this.#open.size;
	}

	begin(kind, call) {
		if (this.#open.has(call) || this.#closed.has(call))
			throw new Error(`call ${call} is in the book already`);
		this.#open.set(call, kind);
		return call;
	}

	// echoed is what the answer says it belongs to.
	answer(call, echoed) {
		const kind = this.#close(call);
		if (kind === undefined)
			return;
		if (echoed !== call)
			this.faults.push(`${kind}: call ${call} got the answer of ${echoed}`);
		this.answered++;
		this.#kind(kind).answered++;
	}

	refuse(call, error) {
		const kind = this.#close(call);
		if (kind === undefined)
			return;
		const reason = error?.data?.reason;
		const known = CODES[reason] === error?.code && (error.data.source ?? 'wsbroker') === 'wsbroker';
		// viem keeps nothing of an error but its code.
		if (!known && !Object.values(CODES).includes(error?.code))
			this.faults.push(`${kind}: call ${call} failed with ${JSON.stringify(error)}`);
		this.refused++;
		this.#kind(kind).refused++;
		const name = reason ?? `code ${error?.code}`;
		this.reasons.set(name, (this.reasons.get(name) ?? 0) + 1);
	}

	stray(kind, what) {
		this.faults.push(`${kind}: unasked for: ${String(what).slice(0, 200)}`);
	}

	lost(call, why) {
		const kind = this.#close(call);
		this.faults.push(`${kind}: call ${call} lost: ${why}`);
	}

	#close(call) {
		const kind = this.#open.get(call);
		if (kind === undefined) {
			this.faults.push(`a second answer for ${call}`);
			return undefined;
		}
		this.#open.delete(call);
		this.#closed.add(call);
		return kind;
	}

	#kind(kind) {
		if (!this.kinds.has(kind))
			this.kinds.set(kind, { answered: 0, refused: 0 });
		return this.kinds.get(kind);
	}

	report() {
		const kinds = [...this.kinds].map(([kind, { answered, refused }]) => `\n  ${kind}: ${answered} + ${refused}`).join('');
		const reasons = [...this.reasons].map(([reason, count]) => `${reason} ${count}`).join(', ') || 'none';
		return `calls ${this.#closed.size}: answered ${this.answered}, refused ${this.refused} (${reasons}), `
			+ `open ${this.open}, faults ${this.faults.length}\nanswered + refused by kind:${kinds}`;
	}
}
