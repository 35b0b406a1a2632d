import type { Missing } from "missing";
enum Color { Red, Green = 5, Blue }
const enum Letter { A = "a" }
interface Named { name: string }
type Maybe<T> = T | null;
declare const elsewhere: string;
declare namespace Ambient { const z: number }
namespace Types { export interface Inner { a: number } }
abstract class Base<T extends Named> {
  constructor(protected readonly inner: T, public count = 2) {}
  abstract describe(): string;
  declare ghost: string;
}
class Real extends Base<Named> {
  private note?: string;
  describe(): string { return `${this.inner.name} ${this.count}`; }
}
function over(value: string): string;
function over(value: number): string;
function over(value: any): string { return typeof value; }
const isNamed = (value: unknown): value is Named => typeof (value as Named)?.name === "string";
let later!: number;
later = Color.Blue;
const known = { name: "n" } satisfies Named as Named;
const maybe: Maybe<Named> = known;
export type { Missing };
result = [Color[5], later, Letter.A, new Real(known).describe(), over(1), isNamed(maybe), maybe!.name, (<any>known).name];
