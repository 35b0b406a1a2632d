interface Received { readonly kind: "received"; sku: string; units: number; cost: number }
interface Shipped { readonly kind: "shipped"; sku: string; units: number }
interface Counted { readonly kind: "counted"; sku: string; units: number }
type Event = Received | Shipped | Counted;

type Layer = { units: number; cost: number };
type Outcome<T, E extends Error = Error> = { ok: true; value: T } | { ok: false; error: E };

class Shortage extends Error {
  missing: number;
  constructor(sku: string, missing: number) {
    super(`${missing} of ${sku} are missing`);
    this.missing = missing;
  }
}

class Stock<K extends string = string> {
  private layers: Map<K, Layer[]> = new Map();

  add(sku: K, layer: Layer): void {
    (this.layers.get(sku) ?? this.layers.set(sku, []).get(sku)!).push(layer);
  }

  take(sku: K, wanted: number): Outcome<number, Shortage> {
    let cost = 0;
    const layers: Layer[] = this.layers.get(sku) ?? [];
    while (wanted > 0 && layers.length > 0) {
      const layer = layers[0]!;
      const taken = Math.min(wanted, layer.units);
      cost += taken * layer.cost;
      layer.units -= taken;
      wanted -= taken;
      if (layer.units === 0) layers.shift();
    }
    return wanted > 0 ? { ok: false, error: new Shortage(sku, wanted) } : { ok: true, value: cost };
  }

  *[Symbol.iterator](): IterableIterator<[K, number]> {
    for (const [sku, layers] of this.layers) yield [sku, layers.reduce((sum, { units }) => sum + units, 0)];
  }
}

const never = (value: never): never => {
  throw new TypeError(`unknown event ${JSON.stringify(value)}`);
};

const settings = { currency: "EUR", strict: false } satisfies Record<string, string | boolean>;
declare const input: { events: Event[] };

const stock = new Stock();
const problems: string[] = [];
let costOfGoods = 0 as number;

for (const event of input.events as readonly Event[]) {
  switch (event.kind) {
    case "received":
      stock.add(event.sku, { units: event.units, cost: event.cost });
      break;
    case "shipped": {
      const taken: Outcome<number, Shortage> = stock.take(event.sku, event.units);
      if (taken.ok) costOfGoods += taken.value;
      else problems.push(taken.error.message);
      break;
    }
    case "counted": {
      const [, units] = [...stock].find(([sku]) => sku === event.sku) ?? [event.sku, 0];
      if (units !== event.units) problems.push(`${event.sku}: ${units} in the books, ${event.units} on the shelf`);
      break;
    }
    default:
      never(event);
  }
}

console.log(`${settings.currency} ${(costOfGoods / 100).toFixed(2)}`);
result = { costOfGoods, problems, stock: Object.fromEntries(stock) };
