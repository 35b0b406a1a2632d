"""Takes notes with the tools of a server, and finds them again. What it may not call is refused, and it goes on.

policy:  policies/notes.toml, which says how to accept the server's tools
run:     bailiwick run guest-examples/notes.py --policy policies/notes.toml --as notes-bot
"""

people = {"Ada": ["wrote a program"], "Grace": ["wrote a compiler", "found a moth"]}

tools.notes.create_entities(
    entities=[{"name": name, "entityType": "person", "observations": facts} for name, facts in people.items()]
)
tools.notes.create_relations(relations=[{"from": "Grace", "to": "Ada", "relationType": "read"}])

found = tools.notes.search_nodes(query="compiler")
for entity in found["entities"]:
    print(f"{entity['name']}: {', '.join(entity['observations'])}")

try:
    tools.notes.delete_entities(entityNames=["Ada"])
except PermissionError as refusal:
    print(refusal)

result = [entity["name"] for entity in found["entities"]]
