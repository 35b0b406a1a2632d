type Issue = { path: string; problem: string };

abstract class Schema<T> {
  abstract check(value: unknown, path: string, issues: Issue[]): value is T;

  optional(): Schema<T | undefined> {
    return new Optional<T>(this);
  }
}

class Optional<T> extends Schema<T | undefined> {
  readonly inner: Schema<T>;
  constructor(inner: Schema<T>) {
    super();
    this.inner = inner;
  }
  override check(value: unknown, path: string, issues: Issue[]): value is T | undefined {
    return value === undefined || this.inner.check(value, path, issues);
  }
}

class Text extends Schema<string> {
  #pattern?: RegExp;
  constructor(pattern?: RegExp) {
    super();
    this.#pattern = pattern;
  }
  check(value: unknown, path: string, issues: Issue[]): value is string {
    if (typeof value !== "string") return report(issues, path, "is not a text");
    return this.#pattern?.test(value) ?? true ? true : report(issues, path, `does not look like ${this.#pattern}`);
  }
}

class Range extends Schema<number> {
  constructor(private readonly least: number, private readonly most: number) { super(); }
  check(value: unknown, path: string, issues: Issue[]): value is number {
    const good = Number.isInteger(value) && (value as number) >= this.least && (value as number) <= this.most;
    return good || report(issues, path, `is not within ${this.least}..${this.most}`);
  }
}

class List<T> extends Schema<T[]> {
  readonly item: Schema<T>;
  constructor(item: Schema<T>) { super(); this.item = item; }
  check(value: unknown, path: string, issues: Issue[]): value is T[] {
    if (!Array.isArray(value)) return report(issues, path, "is not a list");
    return value.map((item, at) => this.item.check(item, `${path}[${at}]`, issues)).every(Boolean);
  }
}

type Infer<S> = S extends Schema<infer T> ? T : never;
type Fields = Record<string, Schema<any>>;

class Shape<F extends Fields> extends Schema<{ [K in keyof F]: Infer<F[K]> }> {
  readonly fields: F;
  constructor(fields: F) { super(); this.fields = fields; }
  check(value: unknown, path: string, issues: Issue[]): value is { [K in keyof F]: Infer<F[K]> } {
    const object = value as Record<string, unknown>;
    return Object.entries(this.fields).map(([name, schema]) => schema.check(object[name], `${path}.${name}`, issues)).every(Boolean);
  }
}

function report(issues: Issue[], path: string, problem: string): false {
  issues.push({ path, problem });
  return false;
}

const person = new Shape({
  name: new Text(),
  age: new Range(0, 150),
  email: new Text(/^[^@\s]+@[^@\s]+$/).optional(),
  tags: new List(new Text()),
});
type Person = Infer<typeof person>;

function describe(value: Person): string;
function describe(value: Issue[]): string;
function describe(value: Person | Issue[]): string {
  return Array.isArray(value) ? value.map(({ path, problem }) => `${path} ${problem}`).join("; ") : `${value.name} (${value.age})`;
}

declare const input: { people: unknown[] };
const verdicts = input.people.map((candidate, at): [boolean, string] => {
  const issues: Issue[] = [];
  return person.check(candidate, `people[${at}]`, issues) ? [true, describe(candidate as Person)] : [false, describe(issues)];
});
for (const [good, text] of verdicts) console.log(good ? "ok " : "bad", text);
result = verdicts.filter(([good]) => good).length;
