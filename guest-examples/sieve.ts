// Counts primes: pure computation, for which a policy has to grant nothing. Only the input and the result pass the wall.
//
//   policy:  policies/nothing.toml
//   run:     bailiwick run target/guests/sieve.wasm --policy policies/nothing.toml --as nothing-bot --input 1000000
//   result:  {"limit":1000000,"primes":78498,"largest":999983}
import { ask } from "./core";

const MOST: i64 = 10_000_000;

/** The first whole number in `text`, or `otherwise` when there is none. */
function firstNumber(text: string, otherwise: i64): i64 {
  let value: i64 = -1;
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit >= 0 && digit <= 9) value = (value < 0 ? 0 : value) * 10 + digit;
    else if (value >= 0) break;
    if (value > MOST) break;
  }
  return value < 0 ? otherwise : value;
}

export function run(): i32 {
  const limit = firstNumber(ask("input", "{}").text, 1_000_000);
  if (limit > MOST) {
    ask("print", `{"text":"sieve: the input is at most ${MOST}\\n","stream":"stderr"}`);
    return 1;
  }

  const size = <i32>limit + 1;
  const composite = new StaticArray<bool>(size);
  let primes = 0;
  let largest = 0;
  for (let candidate = 2; candidate < size; candidate++) {
    if (composite[candidate]) continue;
    primes++;
    largest = candidate;
    for (let multiple = <i64>candidate * candidate; multiple < size; multiple += candidate) {
      composite[<i32>multiple] = true;
    }
  }

  return ask("result", `{"value":{"limit":${limit},"primes":${primes},"largest":${largest}}}`).failed ? 2 : 0;
}
