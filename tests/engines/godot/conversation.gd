extends Checks
## What client and daemon say to each other, without a socket: ids, answers, resuming, scenes, and what is said wrong.

var _talk: GenlockConversation
var _codec := GenlockMsgpack.new()
var _wire := GenlockWire.new()


func _initialize() -> void:
	_a_session_begins()
	_what_is_not_answered_is_said_again()
	_a_new_session_is_shown_the_whole_scene()
	_a_refused_scene_changes_nothing()
	_a_restarted_daemon_goes_on()
	_an_action_comes_once()
	_only_the_newest_answer_counts()
	_a_target_is_found_by_the_scene_that_was_answered()
	_what_floods_is_said_later()
	_nothing_overtakes_what_floods()
	_a_few_are_under_way()
	_not_everything_is_kept()
	_a_scene_fits_into_a_message()
	_how_connections_end()
	_bytes_of_any_kind_do_no_harm()
	finish()


func _begin(resumed := false, last_q := -1, restored := false) -> void:
	_talk.hello()
	_hear(
		{
			"type": "welcome",
			"version": "1.0",
			"session": "s",
			"resume": "secret",
			"resume_s": 30.0,
			"resumed": resumed,
			"restored": restored,
			"last_q": last_q,
			"models": [],
			"serves": [],
			"limits":
			{
				"message_bytes": 65_536,
				"large_message_bytes": 1_052_672,
				"targets": 64,
				"horizons": 8,
				"horizon_ms": 250,
				"messages_per_second": 1000,
			},
			"server_time": 1,
			"recording": false,
			"learning": true,
			"sessions": 0,
		}
	)


func _new() -> void:
	_talk = GenlockConversation.new()
	_talk.introduction = {"app": {"name": "test"}, "user": "ada"}


func _hear(message: Dictionary, now := 0) -> void:
	_talk.hear(_codec.encode(message), now)


func _sent() -> Array[Dictionary]:
	var messages: Array[Dictionary] = []
	for bytes in _talk.outgoing:
		messages.append(_wire.read(bytes))
	_talk.outgoing.clear()
	return messages


func _news(what: String) -> Array[Dictionary]:
	var found: Array[Dictionary] = []
	for item: Variant in _talk.news:
		if item is Dictionary and (item as Dictionary)["what"] == what:
			found.append(item)
	_talk.news.clear()
	return found


func _answers() -> Array:
	var found := _talk.news.filter(func(item: Variant) -> bool: return item is GenlockAnswer)
	_talk.news.clear()
	return found


func _ids(messages: Array) -> Array:
	return messages.map(func(message: Dictionary) -> String: return message.get("id", ""))


func _a_session_begins() -> void:
	_new()
	var hello := _wire.read(_talk.hello())
	same(hello["version"], "1.0", "the version")
	same(hello["resume"], null, "nothing to resume")
	same(hello["user"], "ada", "the user")
	_talk.say_frame(GenlockFrame.new(5), 0)
	same(_sent().size(), 0, "no frame before welcome")
	_begin()
	same(_news("welcome").size(), 1, "welcomed")
	_talk.say_frame(GenlockFrame.new(5), 0)
	_talk.say_frame(GenlockFrame.new(5), 0)
	var frames := _sent()
	same([frames[0]["q"], frames[1]["q"]], [1, 2], "numbers")
	same([frames[0]["t"], frames[1]["t"]], [5, 6], "times are later each time")


func _what_is_not_answered_is_said_again() -> void:
	_new()
	_begin()
	for id: String in ["a", "b", "c"]:
		_talk.say({"type": "utterance", "id": id, "text": "x", "time": 1})
	same(_ids(_sent()), ["a", "b", "c"], "said in order")
	_hear({"type": "ack", "id": "b"})
	_hear({"type": "ack", "id": "b"})
	same(_ids(_news("request")), ["b"], "answered once")
	_talk.closed(1006, "")
	_talk.say({"type": "utterance", "id": "d", "text": "x", "time": 1})
	same(_sent().size(), 0, "nothing without a connection")
	var hello := _wire.read(_talk.hello())
	same([hello["resume"], hello["last_n"]], ["secret", 0], "resumes; no action came")
	_begin(true, 7)
	same(_ids(_sent()), ["a", "c", "d"], "again, in order")
	_talk.say_frame(GenlockFrame.new(5), 0)
	same(_sent()[0]["q"], 8, "counts on")
	_hear({"type": "error", "code": "invalid", "message": "no", "id": "c"})
	var refused := _news("request")
	same([refused[0]["id"], refused[0]["done"], refused[0]["code"]], ["c", false, "invalid"], "refused")
	_talk.closed(1006, "")
	_begin(true)
	same(_ids(_sent()), ["a", "d"], "what was refused is not said again")


func _target(id: String) -> Dictionary:
	return {"id": id, "position": [0, 0, 0]}


func _a_new_session_is_shown_the_whole_scene() -> void:
	_new()
	_begin()
	_talk.say({"type": "scene", "id": "s1", "targets": [_target("a"), _target("b")]})
	_hear({"type": "ack", "id": "s1", "scene": 1})
	_talk.say({"type": "scene", "id": "s2", "targets": [_target("c")], "replace": false, "remove": ["a"]})
	_talk.say({"type": "utterance", "id": "u", "text": "x", "time": 1})
	_talk.closed(1006, "")
	_sent()
	_talk.news.clear()
	_begin(false)
	var said := _sent()
	same(said.size(), 2, "the scene and the utterance")
	same([said[0]["type"], said[0]["replace"]], ["scene", true], "the scene is first, and whole")
	same(_ids(said[0]["targets"] as Array), ["b", "c"], "with what there is")
	_hear({"type": "ack", "id": said[0]["id"], "scene": 1})
	holds("s2" in _ids(_news("request")), "the change that it stands for is done too")
	_talk.closed(1006, "")
	_begin(true)
	same(_ids(_sent()), ["u"], "nothing of scenes is left")


func _a_refused_scene_changes_nothing() -> void:
	_new()
	_begin()
	_talk.say({"type": "scene", "id": "s1", "targets": [_target("a"), _target("b")]})
	_talk.say({"type": "scene", "id": "s2", "targets": [_target("c"), _target("d")], "replace": false})
	_talk.say({"type": "scene", "id": "s3", "targets": [_target("e")], "replace": false, "remove": ["a"]})
	_hear({"type": "ack", "id": "s1", "scene": 1})
	_talk.news.clear()
	_hear({"type": "error", "code": "invalid", "message": "no", "id": "s2", "of": "scene", "key": "targets[1].name"})
	same(_news("request")[0]["target_id"], "d", "which target it was refused for")
	_hear({"type": "ack", "id": "s3", "scene": 2})
	_talk.news.clear()
	_hear(_answer(1, 1, [0.25, 0.75], 2, []))
	same(_answers()[0].target, "e", "what came after it is in force, in the daemon's order")
	_sent()
	_talk.closed(1006, "")
	_begin(false)
	var whole: Dictionary = _sent()[0]
	same(_ids(whole["targets"] as Array), ["b", "e"], "a new session is shown what is left")
	_hear({"type": "error", "code": "invalid", "message": "no", "id": whole["id"], "key": "targets[9]"})
	same(_news("request")[0]["target_id"], "", "a path that leads nowhere")
	_talk.closed(1006, "")
	_begin(false)
	same(_sent(), [], "a refused whole leaves nothing")


func _a_restarted_daemon_goes_on() -> void:
	_new()
	_begin()
	_talk.say({"type": "scene", "id": "s1", "targets": [_target("a")]})
	_hear({"type": "ack", "id": "s1", "scene": 1})
	for id: String in ["a", "b", "c"]:
		_talk.say({"type": "utterance", "id": id, "text": "x", "time": 1})
	_hear(_answer(-1, -1, [], 0, [_act(1, "performed", "a"), _act(2, "started", "b")]))
	_talk.closed(1006, "")
	_talk.news.clear()
	same(_wire.read(_talk.hello())["last_n"], 2, "the daemon is told what came")
	_begin(true, -1, true)
	var said := _sent()
	same(_ids(said.slice(1)), ["b", "c"], "what was performed is not said again")
	same(_ids(said[0]["targets"] as Array), ["a"], "the scene is")
	var news := _talk.news.map(func(item: Dictionary) -> String: return item["what"])
	same(news, ["request", "action", "welcome"], "what was performed is done, what was started is over")
	same([_talk.news[0]["id"], _talk.news[0]["done"]], ["a", true], "done")
	var canceled: Dictionary = _talk.news[1]["action"]
	same([canceled["id"], canceled["phase"]], ["b", "canceled"], "over")
	_talk.news.clear()
	_hear(_answer(-1, -1, [], 0, [_act(2), _act(3)]))
	var numbers := _news("action").map(func(item: Dictionary) -> int: return item["action"]["n"])
	same(numbers, [3], "numbers go on")
	_talk.closed(1006, "")
	_begin(false)
	same(_news("action").size(), 0, "nothing was started since")


func _act(n: int, phase := "performed", id := "") -> Dictionary:
	return {"n": n, "name": "x", "phase": phase, "confidence": 1.0, "source": "utterance", "id": id}


func _answer(q: int, k: int, p: Array, s: int, acts: Array) -> Dictionary:
	return {
		"type": "actions",
		"q": q,
		"t": 1,
		"m": 0,
		"f": PackedByteArray(),
		"k": k,
		"p": PackedFloat32Array(p).to_byte_array(),
		"s": s,
		"a": acts,
	}


func _an_action_comes_once() -> void:
	_new()
	_begin()
	_hear(_answer(-1, -1, [], 0, [_act(1), _act(2)]))
	_hear(_answer(-1, -1, [], 0, [_act(2), _act(1), _act(3)]))
	var numbers := _news("action").map(func(item: Dictionary) -> int: return item["action"]["n"])
	same(numbers, [1, 2, 3], "each once")
	_talk.closed(1006, "")
	same(_wire.read(_talk.hello())["last_n"], 3, "and the daemon is told")
	_begin(false)
	_talk.news.clear()
	_hear(_answer(-1, -1, [], 0, [_act(1)]))
	same(_news("action").size(), 1, "a new session counts from 1")


func _only_the_newest_answer_counts() -> void:
	_new()
	_begin()
	for index in 4:
		_talk.say_frame(GenlockFrame.new(index + 1), 1000 * index)
	_talk.news.clear()
	_hear(_answer(2, -1, [], 0, []), 5000)
	_hear(_answer(1, -1, [], 0, []), 6000)
	_hear(_answer(4, -1, [], 0, []), 7000)
	same(_answers().map(func(answer: GenlockAnswer) -> int: return answer.q), [2, 4], "the older one is passed over")
	same(Array(_talk.round_trips), [4000, 4000], "round trips")
	same([_talk.frames_sent, _talk.frames_answered, _talk.frames_overtaken], [4, 2, 2], "counts")


func _a_target_is_found_by_the_scene_that_was_answered() -> void:
	_new()
	_begin()
	_talk.say({"type": "scene", "id": "s1", "targets": [_target("a"), _target("b")]})
	_talk.say({"type": "scene", "id": "s2", "targets": [_target("b"), _target("c")], "replace": true})
	_hear({"type": "ack", "id": "s1", "scene": 1})
	_talk.news.clear()
	_hear(_answer(1, 1, [0.25, 0.75], 1, []))
	_hear(_answer(2, 1, [0.25, 0.75], 2, []))
	_hear({"type": "ack", "id": "s2", "scene": 2})
	_hear(_answer(3, 1, [0.25, 0.75], 2, []))
	_hear(_answer(4, 5, [0.25, 0.75], 2, []))
	var targets := _answers().map(func(answer: GenlockAnswer) -> String: return answer.target)
	same(targets, ["b", "", "c", ""], "in the order of the scene that the answer is of")


func _what_floods_is_said_later() -> void:
	_new()
	_begin()
	_talk.say({"type": "utterance", "id": "u", "text": "x", "time": 1})
	_sent()
	_hear({"type": "error", "code": "flooding", "message": "too many", "of": "utterance", "id": "u"}, 1000)
	same(_news("request").size(), 0, "not answered yet")
	_talk.tick(1001)
	same(_sent().size(), 0, "not at once")
	_talk.tick(1000 + GenlockConversation.FLOODED_USEC)
	same(_ids(_sent()), ["u"], "after a while, under the same id")


func _say(id: String) -> void:
	_talk.say({"type": "utterance", "id": id, "text": "x", "time": 1})


func _nothing_overtakes_what_floods() -> void:
	_new()
	_begin()
	_say("a")
	_sent()
	_hear({"type": "error", "code": "flooding", "message": "too many", "of": "utterance", "id": "a"}, 1000)
	_say("b")
	_say("c")
	same(_sent().size(), 0, "they wait behind it")
	_talk.tick(1000 + GenlockConversation.FLOODED_USEC)
	same(_ids(_sent()), ["a", "b", "c"], "and follow it")


func _a_few_are_under_way() -> void:
	_new()
	_begin()
	for index in 40:
		_say(str(index))
	same(_sent().size(), GenlockConversation.WINDOW, "as many as are no flood")
	_talk.tick(1)
	same(_sent().size(), 0, "no more before one is answered")
	_hear({"type": "ack", "id": "3"})
	_hear({"type": "error", "code": "invalid", "message": "no", "id": "5"})
	_talk.tick(2)
	same(_ids(_sent()), ["16", "17"], "one for each that is")
	_talk.closed(1006, "")
	_begin(true)
	var said := _sent()
	same(said.size(), GenlockConversation.WINDOW, "after a drop too")
	same([said[0]["id"], said[-1]["id"]], ["0", "17"], "from the front")


func _not_everything_is_kept() -> void:
	_new()
	for index in GenlockConversation.LONGEST + 1:
		_say(str(index))
	var told := _talk.news.map(func(item: Dictionary) -> String: return item["what"])
	same(told, ["failed", "request"], "one is too many")
	var refused: Dictionary = _talk.news[1]
	same([refused["id"], refused["done"], refused["code"]], ["4096", false, "flooding"], "the last")
	_begin()
	_hear({"type": "ack", "id": "0"})
	_talk.news.clear()
	_say("more")
	same(_talk.news, [], "there is room again")


func _a_scene_fits_into_a_message() -> void:
	_new()
	_begin()
	var aliases := []
	for index in 16:
		aliases.append("ä".repeat(100))
	var said := 0
	while true:
		var target := {"id": str(said), "position": [1e4, 1e4, 1e4], "size": [0.7, 0.7, 0.7], "aliases": aliases}
		_talk.news.clear()
		_talk.say({"type": "scene", "id": "s%d" % said, "targets": [target], "replace": false})
		if _talk.news:
			break
		said += 1
	same(_news("request")[0]["code"], "too_big", "one is too much")
	same(said, 19, "the others are not")
	_talk.closed(1006, "")
	_sent()
	_begin(false)
	var whole: PackedByteArray = _talk.outgoing[0]
	same((_wire.read(whole)["targets"] as Array).size(), said, "all in one message for a daemon that has none")
	holds(whole.size() <= GenlockWire.MESSAGE_BYTES, "which it takes")


func _end_with(close_code: int, error := {}, welcomed := false) -> Dictionary:
	_new()
	_talk.hello()
	if welcomed:
		_begin()
	if error:
		_hear(error)
	return _talk.closed(close_code, "reason")


func _how_connections_end() -> void:
	for code: int in [1001, 1006, 1011, 1009, 4004, 4005, 4007, 4008, 1013, -1]:
		same(_end_with(code, {}, true)["again"], true, "%d may be tried again" % code)
	for code: int in [4001, 4002, 4003, 4006]:
		same(_end_with(code)["again"], false, "%d may not" % code)
		holds(_end_with(code)["message"] as String != "", "%d is told in words" % code)
	# Over wss the close code may be lost: the error that came before it tells as much.
	for code: String in ["unauthorized", "version"]:
		var verdict := _end_with(-1, {"type": "error", "code": code, "message": "no"})
		same([verdict["again"], verdict["code"]], [false, code], code + " without its close code")
	same(_end_with(-1)["code"], "unreachable", "nobody there")
	same(_end_with(1006, {}, true)["code"], "", "a drop is no failure")
	same(_end_with(1009, {}, true)["code"], "too_big", "too long a message is one")
	_new()
	var objects := [{"name": "mug", "examples": [_codec.encode("x".repeat(70_000))]}]
	_talk.introduction["app"] = {"name": "test", "objects": objects}
	same([_talk.hello(), _talk.is_refused()], [PackedByteArray(), true], "an app that is too large is not told of")
	var large := _talk.closed(-1, "")
	same([large["again"], large["code"]], [false, "too_big"], "and that is told, once")
	holds("fewer pictures" in (large["message"] as String), "with what to do")
	_new()
	_begin()
	_hear({"type": "notice", "code": "draining", "message": "stops", "retry_ms": 1500})
	same(_talk.closed(1001, "")["wait_ms"], 1500, "as long as the daemon asks for")
	_begin()
	_talk.say({"type": "bye"})
	same(_talk.closed(1000, "bye")["again"], false, "after bye it is over")


## Cut and changed messages are told of, and nothing else happens.
func _bytes_of_any_kind_do_no_harm() -> void:
	_new()
	_begin()
	var whole := _codec.encode(_answer(9, 0, [1.0], 0, [_act(9)]))
	var chance := RandomNumberGenerator.new()
	chance.seed = 7
	for length in whole.size():
		_talk.news.clear()
		_talk.hear(whole.slice(0, length), 0)
		same(_news("failed").size(), 1, "cut to %d bytes" % length)
	for attempt in 3000:
		var changed := whole.duplicate()
		for change in chance.randi_range(1, 3):
			# Not into the letters: bytes that are no UTF-8 make the engine print an error of its own.
			changed[chance.randi_range(0, changed.size() - 1)] = chance.randi_range(0, 0x7F)
		_talk.hear(changed, 0)
	holds(_talk.welcomed, "still there")
