import bailiwick
import inspect


def attempt(what, call):
    try:
        print(what, "->", call())
    except Exception as error:
        print(what, "->", type(error).__name__, getattr(error, "code", None), error, *getattr(error, "__notes__", ()))


print(dir(tools), dir(tools.everything))
print(tools, tools.everything, "memory" in tools, "mail" in tools)
add = tools.everything.get_sum
print(add.__name__, inspect.signature(add), inspect.getdoc(add), sep="\n")

# As a model would write it.
people = [("Ada", "wrote a program"), ("Grace", "wrote a compiler")]
tools.memory.create_entities(entities=[{"name": name, "entityType": "person", "observations": [did]} for name, did in people])
graph = tools.memory.search_nodes(query="compiler")
weather = tools.everything.get_structured_content(location="Chicago")

attempt("by position", lambda: add(2, 3))
attempt("by its own name", lambda: tools["everything"]["get-sum"](a=2, b=3))
attempt("over the rule's bound", lambda: add(a=101, b=1))
attempt("not as its schema says", lambda: add(a=1, b="1"))
attempt("one too few", lambda: add(a=1))
attempt("one too many", lambda: add(1, 2, 3))
attempt("twice", lambda: add(1, a=2, b=3))
attempt("no rule", lambda: tools.everything.get_env())
attempt("a rule against it", lambda: tools.memory.delete_entities(entityNames=["Ada"]))
attempt("no such tool", lambda: tools.memory.forget_everything())
attempt("no such server", lambda: tools.mail.send(to="ada@example.com"))
attempt("no name", lambda: tools["mail"]["../send"]())
attempt("says that it failed", lambda: tools.bad.says_it_failed())
attempt("error of the protocol", lambda: tools.bad.error())
attempt("blocks", lambda: tools.bad.blocks())
attempt("no JSON", lambda: tools.bad.blocks(x=float("nan")))
attempt("dies", lambda: tools.bad.die())
attempt("starts again", lambda: bailiwick.tools.bad.echo(text="here"))

result = {"found": [entity["name"] for entity in graph["entities"]], "weather": sorted(weather)}
