from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from enum import Enum, Flag, auto
from typing import Iterator, Protocol


class Level(Enum):
    EMPTY = "empty"
    LOW = "low"
    GOOD = "good"

    @classmethod
    def of(cls, units: int) -> Level:
        return cls.EMPTY if units == 0 else cls.LOW if units < 4 else cls.GOOD


class Alarm(Flag):
    NONE = 0
    SHORTAGE = auto()
    LOSS = auto()


@dataclass(frozen=True, order=True)
class Layer:
    cost: Decimal
    units: int


class Valued(Protocol):
    def value(self) -> Decimal: ...


@dataclass
class Stock:
    sku: str
    layers: deque[Layer] = field(default_factory=deque)
    alarm: Alarm = Alarm.NONE

    @property
    def units(self) -> int:
        return sum(layer.units for layer in self.layers)

    def value(self) -> Decimal:
        return sum((layer.units * layer.cost for layer in self.layers), Decimal())

    def take(self, wanted: int) -> Iterator[Layer]:
        """First in, first out."""
        while wanted and self.layers:
            layer = self.layers.popleft()
            taken = min(wanted, layer.units)
            if taken < layer.units:
                self.layers.appendleft(replace(layer, units=layer.units - taken))
            wanted -= taken
            yield replace(layer, units=taken)
        if wanted:
            self.alarm |= Alarm.SHORTAGE


def apply(stocks: dict[str, Stock], event: dict) -> Decimal:
    stock = stocks.setdefault(event["sku"], Stock(event["sku"]))
    match event:
        case {"kind": "receive", "units": int(units), "cost": str(cost)} if units > 0:
            stock.layers.append(Layer(Decimal(cost), units))
        case {"kind": "ship", "units": int(units)}:
            return sum((layer.units * layer.cost for layer in stock.take(units)), Decimal())
        case {"kind": "count", "units": int(units)} if units < stock.units:
            list(stock.take(stock.units - units))
            stock.alarm |= Alarm.LOSS
        case {"kind": kind}:
            print(f"ignored: {kind} of {stock.sku}")
    return Decimal()


stocks: dict[str, Stock] = {}
cost_of_goods = sum((apply(stocks, event) for event in input["events"]), Decimal())
total: Valued
for total in stocks.values():
    print(f"{total.sku:6} {total.units:>3} {total.value():>8} {Level.of(total.units).name} {total.alarm!r}")
assert asdict(Layer(Decimal(1), 2)) == {"cost": Decimal(1), "units": 2} and Layer(Decimal(1), 9) < Layer(Decimal(2), 1)

result = {
    "cost_of_goods": str(cost_of_goods),
    "stock": {sku: {"units": stock.units, "level": Level.of(stock.units).value} for sku, stock in stocks.items()},
    "alarms": sorted(stock.sku for stock in stocks.values() if Alarm.SHORTAGE in stock.alarm or Alarm.LOSS in stock.alarm),
}
