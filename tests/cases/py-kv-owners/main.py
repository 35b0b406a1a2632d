import bailiwick

own, board = bailiwick.kv("own"), bailiwick.kv("board")
before = own.get_text("secret")
own["secret"] = "bob's"
result = {
    "before": before,
    "names": own.list(),
    "mine": own.get_text("secret"),
    "notice": board.get_text("notice"),
    "visits": board.increment("visits"),
}
