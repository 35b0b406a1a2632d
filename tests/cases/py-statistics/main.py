import math
import statistics as st
from fractions import Fraction

temperature, sales, latency = input["temperature"], input["sales"], input["latency"]


def outliers(values, factor=1.5):
    low, _, high = st.quantiles(values, n=4, method="inclusive")
    spread = (high - low) * factor
    return [value for value in values if not low - spread <= value <= high + spread]


line = st.linear_regression(temperature, sales)
predicted = [line.slope * degrees + line.intercept for degrees in temperature]
residual = math.sqrt(math.fsum((a - b) ** 2 for a, b in zip(sales, predicted)) / len(sales))

# Ratios that floating point would blur are kept exact.
shares = [Fraction(value, sum(latency)) for value in latency]
assert sum(shares) == 1

normal = st.NormalDist.from_samples(temperature)
print(f"temperature {st.fmean(temperature):.3f} ± {st.stdev(temperature):.3f}, median {st.median(temperature)}")
print(f"sales = {line.slope:.3f} · temperature + {line.intercept:.3f} (residual {residual:.2f})")

result = {
    "correlation": round(st.correlation(temperature, sales), 6),
    "forecast_at_20": round(line.slope * 20 + line.intercept, 2),
    "mode_of_latency": st.mode(latency),
    "outliers": outliers(latency),
    "quartiles": [round(cut, 3) for cut in st.quantiles(sales, n=4)],
    "above_25_degrees": round(1 - normal.cdf(25), 4),
    "largest_share": str(max(shares)),
    "geometric_mean": round(st.geometric_mean(latency), 4),
}
