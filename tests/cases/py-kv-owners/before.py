import bailiwick

bailiwick.kv("own").set("secret", "ada's")
bailiwick.kv("board").set("notice", "from ada")
bailiwick.kv("board").increment("visits")
