import heapq
from collections import deque
from math import inf


def dijkstra(graph, start):
    distance = {vertex: inf for vertex in graph}
    previous = {}
    distance[start] = 0
    queue = [(0, start)]
    settled = set()
    while queue:
        cost, vertex = heapq.heappop(queue)
        if vertex in settled:
            continue
        settled.add(vertex)
        for neighbour, weight in graph[vertex].items():
            if cost + weight < distance[neighbour]:
                distance[neighbour] = cost + weight
                previous[neighbour] = vertex
                heapq.heappush(queue, (cost + weight, neighbour))
    return distance, previous


def route(previous, target):
    path = deque([target])
    while path[0] in previous:
        path.appendleft(previous[path[0]])
    return list(path)


def bellman_ford(graph, start):
    """The slow way, to check the fast one."""
    distance = dict.fromkeys(graph, inf) | {start: 0}
    for _ in graph:
        for vertex, edges in graph.items():
            for neighbour, weight in edges.items():
                distance[neighbour] = min(distance[neighbour], distance[vertex] + weight)
    return distance


roads = input["roads"]
distance, previous = dijkstra(roads, input["start"])
assert distance == bellman_ford(roads, input["start"])

for vertex in sorted(roads, key=lambda name: (distance[name], name)):
    print(f"{vertex:8} {distance[vertex]:>4}  {' → '.join(route(previous, vertex))}")

result = {
    "distance": {vertex: None if cost == inf else cost for vertex, cost in sorted(distance.items())},
    "to_bridge": route(previous, "bridge"),
    "unreachable": [vertex for vertex, cost in distance.items() if cost == inf],
}
