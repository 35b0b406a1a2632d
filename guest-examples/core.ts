// The core ABI for AssemblyScript (docs/src/reference/core-abi.md): one function, which the other guests import.
// Not a guest by itself.

@external("bailiwick", "call")
declare function hostCall(op: usize, opLength: i32, argument: usize, argumentLength: i32): i64;

@external("bailiwick", "take")
declare function hostTake(to: usize, most: i32): i32;

/** What the host answered: JSON without blanks, and whether it is an error. */
export class Reply {
  constructor(public text: string, public failed: bool) {}

  /** The text of a string member whose value needs no unescaping (digests, tags, codes); empty when there is none. */
  member(name: string): string {
    const opening = `"${name}":"`;
    const start = this.text.indexOf(opening);
    if (start < 0) return "";
    const end = this.text.indexOf('"', start + opening.length);
    return end < 0 ? "" : this.text.substring(start + opening.length, end);
  }
}

/** Calls the operation `op` with `argument`, which is JSON. A refusal is a reply, not a trap. */
export function ask(op: string, argument: string): Reply {
  const opBytes = String.UTF8.encode(op);
  const bytes = String.UTF8.encode(argument);
  const answer = hostCall(changetype<usize>(opBytes), opBytes.byteLength, changetype<usize>(bytes), bytes.byteLength);
  const reply = new ArrayBuffer(<i32>(answer & 0xffff_ffff));
  hostTake(changetype<usize>(reply), reply.byteLength);
  return new Reply(String.UTF8.decode(reply), (answer >> 32 & 1) == 1);
}

/** `text` as a JSON string. For text that comes out of JSON: control characters are escaped there already. */
export function quote(text: string): string {
  return '"' + text.replaceAll("\\", "\\\\").replaceAll('"', '\\"') + '"';
}
