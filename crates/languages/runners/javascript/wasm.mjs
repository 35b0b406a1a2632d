// WebAssembly as bytes: numbers, sections, and the instructions that runtime.mjs writes.

export const I32 = 0x7f;
export const I64 = 0x7e;

export function unsigned(value) {
    const bytes = [];
    do {
        const low = value & 0x7f;
        value >>>= 7;
        bytes.push(value === 0 ? low : low | 0x80);
    } while (value !== 0);
    return bytes;
}

function signed(value) {
    const bytes = [];
    for (let more = true; more; ) {
        const low = Number(BigInt.asUintN(7, BigInt(value)));
        value = BigInt(value) >> 7n;
        more = !((value === 0n && (low & 0x40) === 0) || (value === -1n && (low & 0x40) !== 0));
        bytes.push(more ? low | 0x80 : low);
    }
    return bytes;
}

export class Reader {
    constructor(bytes) {
        this.bytes = bytes;
        this.at = 0;
    }
    number() {
        let value = 0;
        for (let shift = 0; ; shift += 7) {
            const byte = this.bytes[this.at++];
            value |= (byte & 0x7f) << shift;
            if ((byte & 0x80) === 0) return value >>> 0;
        }
    }
    take(length) {
        this.at += length;
        return this.bytes.subarray(this.at - length, this.at);
    }
    rest() {
        return this.take(this.bytes.length - this.at);
    }
    get done() {
        return this.at >= this.bytes.length;
    }
}

export const vector = (bytes) => [...unsigned(bytes.length), ...bytes];
export const join = (...parts) => Buffer.concat(parts.map((part) => Buffer.from(part)));

export const op = {
    get: (local) => [0x20, ...unsigned(local)],
    set: (local) => [0x21, ...unsigned(local)],
    tee: (local) => [0x22, ...unsigned(local)],
    i32: (value) => [0x41, ...signed(value)],
    i64: (value) => [0x42, ...signed(value)],
    load: (offset) => [0x28, 2, ...unsigned(offset)],
    loadByte: (offset) => [0x2d, 0, ...unsigned(offset)],
    load64: (offset) => [0x29, 3, ...unsigned(offset)],
    store: (offset) => [0x36, 2, ...unsigned(offset)],
    store64: (offset) => [0x37, 3, ...unsigned(offset)],
    call: (index) => [0x10, ...unsigned(index)],
    add: [0x6a],
    sub: [0x6b],
    eq: [0x46],
    eq64: [0x51],
    ne: [0x47],
    above: [0x4b],
    copy: [0xfc, 0x0a, 0x00, 0x00],
    xor64: [0x85],
    unreachable: [0x00],
    or: [0x72],
    or64: [0x84],
    wrap: [0xa7],
    extend: [0xad],
    drop: [0x1a],
    eqz: [0x45],
    if: [0x04, 0x40],
    else: [0x05],
    loop: [0x03, 0x40],
    repeatIf: [0x0d, 0x00],
    end: [0x0b],
    /** The stack pointer, and where the runtime's part of the table begins. */
    stack: [0x23, 0],
    setStack: [0x24, 0],
    table: [0x23, 2],
};
