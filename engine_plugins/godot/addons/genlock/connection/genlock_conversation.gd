class_name GenlockConversation
extends RefCounted
## What a client and the daemon say to each other: who is next, what is still to be acknowledged, what was there before.
##
## Knows no socket, clock or thread: it is told what came and what is to be said, and leaves what is to be sent in
## [member outgoing] and what the app should know in [member news]. Messages with an [code]id[/code] are kept until they
## are answered, and sent again when a dropped session is resumed.

## Scenes whose order is remembered.
const SCENES_KEPT := 64
## Until a message that was refused with [code]flooding[/code] is sent again, microseconds.
const FLOODED_USEC := 1_000_000
## The same mistake in frames is not told again for so long, microseconds.
const REPEAT_USEC := 5_000_000
## Messages with an [code]id[/code] that are on their way at once, so that a long list of them after a drop is no flood.
const WINDOW := 16
## Messages with an [code]id[/code] that are kept for a daemon that does not answer.
const LONGEST := 4096
## Round trips that are remembered.
const ROUND_TRIPS_KEPT := 1024
## Answers that are held on to, so that they outlive their use on the main thread.
const ANSWERS_KEPT := 32

const _TOO_BIG_SCENE := "With these targets the scene is longer than %d bytes. Shorten names and aliases."
const _TOO_MANY := "%d messages wait for the daemon, which has not answered for long. This one was not kept."
const _TOO_BIG_HELLO := "What the app says of itself has %d bytes; %d are taken. Give its objects fewer pictures."

## Messages as bytes, to be sent in this order.
var outgoing: Array[PackedByteArray] = []
## What happened, in order: answers to frames ([GenlockAnswer]), and maps with the key [code]what[/code].
var news: Array = []
## Whether the daemon has answered the [code]hello[/code] of this connection.
var welcomed := false
## The version of the protocol that it claims to speak.
var version := GenlockWire.VERSION
## What [method hello] says: every key but [code]version[/code], [code]resume[/code] and [code]last_n[/code].
var introduction := {}

## Of all sessions: frames that were sent, that were answered, and that a newer one overtook.
var frames_sent := 0
var frames_answered := 0
var frames_overtaken := 0
var actions_received := 0
## The last round trips, microseconds.
var round_trips := PackedInt32Array()

var _wire := GenlockWire.new()
var _answers: Array[GenlockAnswer] = []
var _next_answer := 0
var _horizons_ms := PackedFloat32Array()
var _resume: Variant = null
var _largest_n := 0
var _q := 0
var _answered_q := 0
var _last_time_us := -1
var _sent_at: Dictionary[int, int] = {}
var _pending: Dictionary[String, Dictionary] = {}
var _started := {}
var _whole_scenes := 0
var _targets: Dictionary[String, Dictionary] = {}
var _orders: Dictionary[int, Array] = {0: []}
var _limits := {"message_bytes": GenlockWire.MESSAGE_BYTES, "large_message_bytes": GenlockWire.LARGE_MESSAGE_BYTES}
var _fatal := {}
var _said_bye := false
var _draining_ms := 0
var _told: Dictionary[String, int] = {}
var _round_trip_at := 0


func _init() -> void:
	_answers.resize(ANSWERS_KEPT)


## The first message of a connection; empty if there can be none, then [method is_refused].
func hello() -> PackedByteArray:
	_horizons_ms = introduction.get("horizons_ms", _horizons_ms)
	var message := {"type": "hello", "version": version}
	message.merge(introduction)
	if _resume != null:
		message["resume"] = _resume
		message["last_n"] = _largest_n
	welcomed = false
	_fatal = {}
	_draining_ms = 0
	var bytes := _wire.lay(message)
	if _wire.error:
		_fatal = {"code": "invalid", "message": _wire.error}
	elif bytes.size() > GenlockWire.MESSAGE_BYTES:
		_fatal = {"code": "too_big", "message": _TOO_BIG_HELLO % [bytes.size(), GenlockWire.MESSAGE_BYTES]}
		bytes.clear()
	return bytes


## Says something. What has an [code]id[/code] is kept until it is answered; anything else is dropped while the daemon
## is not there.
func say(message: Dictionary) -> void:
	var id: String = message.get("id", "")
	var bytes := _wire.lay(message)
	var refusal := _refusal_of(message, bytes.size())
	if refusal:
		_fail(refusal[0], refusal[1])
		if id:
			news.append(_answer_to(id, false, refusal[0], refusal[1]))
		return
	if id:
		var entry := {
			"bytes": bytes,
			"type": message["type"],
			"is_sent": false,
			"again_at": 0,
			"stands_for": [],
			"performed": false
		}
		if message["type"] == "scene":
			entry["before"] = _targets
			_targets = _with_scene(_targets, message)
			entry["order"] = _targets.keys()
			entry["scene"] = message
		_pending[id] = entry
		_send_waiting(0)
		return
	if message["type"] == "bye":
		_said_bye = true
	if welcomed:
		outgoing.append(bytes)


## Sends a frame, unless the daemon is not there.
func say_frame(frame: GenlockFrame, now_us: int) -> void:
	if not welcomed:
		return
	_q += 1
	_last_time_us = maxi(frame.time_us, _last_time_us + 1)
	# Before the parts are read: what is unsound is left out of both.
	var numbers := frame.blob()
	outgoing.append(_wire.lay_frame(_q, _last_time_us, frame.parts, numbers))
	_sent_at[_q] = now_us
	frames_sent += 1


## Takes a message of the daemon.
func hear(bytes: PackedByteArray, now_us: int) -> void:
	var message := _wire.read(bytes)
	if _wire.error:
		_fail(
			"protocol", "The daemon sent what this addon cannot read (%s). Update the older of the two." % _wire.error
		)
		return
	match message["type"]:
		"actions":
			_hear_actions(message, now_us)
		"welcome":
			_hear_welcome(message)
		"ack":
			_hear_ack(message)
		"error":
			_hear_error(message, now_us)
		"notice":
			if message["code"] == "draining":
				_draining_ms = message["retry_ms"]
			news.append({"what": "notice", "notice": message})
		"transcript":
			news.append({"what": "transcript", "transcript": message})


## Sends what waits for others to be answered, or for its time after it was refused.
func tick(now_us: int) -> void:
	_send_waiting(now_us)


## The connection is gone. Whether to connect again ([code]again[/code]), not before [code]wait_ms[/code], and why, as
## [code]code[/code] and [code]message[/code]; an empty code where that is no news.
func closed(close_code: int, reason: String) -> Dictionary:
	var was_welcomed := welcomed
	welcomed = false
	outgoing.clear()
	frames_overtaken += _sent_at.size()
	_sent_at.clear()
	if _said_bye:
		return {"again": false, "wait_ms": 0, "code": "", "message": ""}
	var told: String = _fatal.get("code", "")
	var words: String = _fatal.get("message", reason)
	if told == "unauthorized" or close_code == 4001:
		return _end(
			"unauthorized", words + ". Set genlock/connection/token in the project settings to the daemon's token."
		)
	if told == "version" or close_code == 4002:
		return _end("version", words + ". Update the addon or the daemon, whichever is older.")
	if close_code == 4003:
		return _end("hello_expected", words)
	if close_code == 4006:
		return _end("taken_over", "Another client goes on with this session.")
	if told in ["invalid", "too_big"] and not was_welcomed:
		return _end(told, words)
	if told == "full" or close_code == 1013:
		return {"again": true, "wait_ms": 2000, "code": "full", "message": words}
	if close_code == 1009:
		return {"again": true, "wait_ms": 0, "code": "too_big", "message": "A message was too long: %s" % words}
	if close_code == 4005:
		return {"again": true, "wait_ms": 1000, "code": "flooding", "message": words}
	return {
		"again": true,
		"wait_ms": _draining_ms,
		"code": "" if was_welcomed else "unreachable",
		"message": "closed with %d %s" % [close_code, words],
	}


## Whether the daemon has refused this connection's [code]hello[/code].
func is_refused() -> bool:
	return not welcomed and not _fatal.is_empty()


func _hear_welcome(message: Dictionary) -> void:
	welcomed = true
	_resume = message["resume"]
	_limits = message["limits"]
	var resumed: bool = message["resumed"]
	if not resumed:
		_largest_n = 0
		_last_time_us = -1
	if not resumed or message["restored"]:
		_orders = {0: []}
		_pend_whole_scene()
		_settle_performed()
		_cancel_started()
	_q = maxi(_q, message["last_q"] as int)
	for entry: Dictionary in _pending.values():
		entry["is_sent"] = false
		entry["again_at"] = 0
	_send_waiting(0)
	news.append({"what": "welcome", "welcome": message, "resumed": resumed})


## What was performed already is not sent to a daemon that does not know of it, where it would be performed again.
func _settle_performed() -> void:
	for id: String in _pending.keys():
		if _pending[id]["performed"]:
			_pending.erase(id)
			news.append(_answer_to(id, true, "", ""))


## An action that waited for more does so no longer: the daemon that waited with it is gone.
func _cancel_started() -> void:
	if _started:
		var canceled := _started.duplicate()
		canceled["phase"] = "canceled"
		news.append({"what": "action", "action": canceled})
		_started = {}


## The daemon has no scene: one scene with all targets takes the place of those that were not acknowledged.
func _pend_whole_scene() -> void:
	var replaced: Array[String] = []
	for id: String in _pending.keys():
		if _pending[id]["type"] == "scene":
			replaced.append(id)
			replaced.append_array(_pending[id]["stands_for"] as Array)
			_pending.erase(id)
	if not _targets and not replaced:
		return
	_whole_scenes += 1
	var id := "whole-%d" % _whole_scenes
	var scene := {"type": "scene", "id": id, "targets": _targets.values()}
	var nothing: Dictionary[String, Dictionary] = {}
	var entry := {
		"bytes": _wire.lay(scene),
		"type": "scene",
		"is_sent": false,
		"again_at": 0,
		"stands_for": replaced,
		"performed": false,
		"before": nothing,
		"order": _targets.keys(),
		"scene": scene,
	}
	var others := _pending
	_pending = {id: entry}
	_pending.merge(others)


func _hear_ack(message: Dictionary) -> void:
	var id: String = message["id"]
	if id not in _pending:
		return
	var entry := _pending[id]
	_pending.erase(id)
	if entry["type"] == "scene":
		_orders[message["scene"] as int] = entry["order"]
		if _orders.size() > SCENES_KEPT:
			_orders.erase(_orders.keys()[0])
	for answered: String in [id] + (entry["stands_for"] as Array):
		var answer := _answer_to(answered, true, "", "")
		answer["data"] = message["data"]
		news.append(answer)


func _hear_error(message: Dictionary, now_us: int) -> void:
	var code: String = message["code"]
	var id: String = message["id"]
	if id in _pending:
		var entry := _pending[id]
		if code == "flooding":
			entry["is_sent"] = false
			entry["again_at"] = now_us + FLOODED_USEC
			return
		var target_id := ""
		if entry["type"] == "scene":
			_take_back(id)
			target_id = _target_at(message["key"] as String, entry["scene"]["targets"] as Array)
		_pending.erase(id)
		for answered: String in [id] + (entry["stands_for"] as Array):
			var answer := _answer_to(answered, false, code, message["message"] as String)
			answer["target_id"] = target_id
			news.append(answer)
	if not welcomed:
		_fatal = message
		return
	var repeated := "%s %s %s" % [code, message["of"], message["key"]]
	if now_us < _told.get(repeated, 0):
		return
	if message["q"] as int >= 0 or message["of"] in ["audio", "image", "frame"]:
		_told[repeated] = now_us + REPEAT_USEC
	_fail(code, message["message"] as String)


## A refused scene has changed nothing; those that were sent after it are changes of what was there before.
func _take_back(refused: String) -> void:
	_targets = _pending[refused]["before"]
	var is_later := false
	for id: String in _pending:
		if is_later and _pending[id]["type"] == "scene":
			_pending[id]["before"] = _targets
			_targets = _with_scene(_targets, _pending[id]["scene"] as Dictionary)
			_pending[id]["order"] = _targets.keys()
		is_later = is_later or id == refused


func _hear_actions(message: Dictionary, now_us: int) -> void:
	var q: int = message["q"]
	if q > _answered_q:
		_answered_q = q
		_count_answer(q, now_us)
		news.append(_reading_of(message))
	for action: Dictionary in message["a"]:
		var n: int = action["n"]
		if n > _largest_n:
			_largest_n = n
			actions_received += 1
			news.append({"what": "action", "action": action})
			if action["source"] in ["utterance", "speech"]:
				_started = action if action["phase"] == "started" else {}
			if action["phase"] == "performed" and action["id"] in _pending:
				_pending[action["id"]]["performed"] = true


func _reading_of(message: Dictionary) -> GenlockAnswer:
	var probabilities := (message["p"] as PackedByteArray).to_float32_array()
	var order: Array = _orders.get(message["s"], [])
	var best: int = message["k"]
	var known := best >= 0 and best < order.size() and order.size() == probabilities.size()
	var answer := GenlockAnswer.new()
	answer.q = message["q"]
	answer.target = order[best] if known else ""
	answer.probability = probabilities[best] if known else 0.0
	if message["m"]:
		var numbers := (message["f"] as PackedByteArray).to_float32_array()
		answer.forecast = GenlockForecastPoses.new(message["t"] as int, message["m"] as int, _horizons_ms, numbers)
	# The last ones are let go of here, not on the main thread, where that would cost time.
	_answers[_next_answer] = answer
	_next_answer = (_next_answer + 1) % ANSWERS_KEPT
	return answer


func _count_answer(q: int, now_us: int) -> void:
	frames_answered += 1
	# Dictionaries keep their order, so those that this answer overtook come first.
	for sent: int in _sent_at.keys():
		if sent > q:
			break
		if sent == q:
			_remember_round_trip(now_us - _sent_at[sent])
		else:
			frames_overtaken += 1
		_sent_at.erase(sent)


func _remember_round_trip(usec: int) -> void:
	if round_trips.size() < ROUND_TRIPS_KEPT:
		round_trips.append(usec)
	else:
		round_trips[_round_trip_at] = usec
		_round_trip_at = (_round_trip_at + 1) % ROUND_TRIPS_KEPT


## From the front, as many as may be under way; nothing overtakes what waits to be sent again.
func _send_waiting(now_us: int) -> void:
	if not welcomed:
		return
	var under_way := 0
	for id in _pending:
		if under_way == WINDOW:
			return
		var entry := _pending[id]
		if not entry["is_sent"]:
			if now_us < (entry["again_at"] as int):
				return
			entry["is_sent"] = true
			outgoing.append(entry["bytes"] as PackedByteArray)
		under_way += 1


## Why a message that was laid is not sent, as a code and words; empty if it is.
func _refusal_of(message: Dictionary, size: int) -> PackedStringArray:
	var type: String = message["type"]
	if _wire.error:
		return ["invalid", _wire.error]
	var limit: int = _limits["large_message_bytes" if type in GenlockWire.LARGE else "message_bytes"]
	if size > limit:
		var words := "%s: %d bytes, and the daemon takes no more than %d. It was not sent; make it smaller."
		return ["too_big", words % [type, size, limit]]
	if "id" in message and _pending.size() >= LONGEST:
		return ["flooding", _TOO_MANY % LONGEST]
	if type == "scene" and _bytes_of(_with_scene(_targets, message)) > GenlockWire.SCENE_BYTES:
		# A daemon that has no scene is shown all of it in one message.
		return ["too_big", _TOO_BIG_SCENE % GenlockWire.SCENE_BYTES]
	return []


func _end(code: String, message: String) -> Dictionary:
	return {"again": false, "wait_ms": 0, "code": code, "message": message}


func _fail(code: String, message: String) -> void:
	news.append({"what": "failed", "code": code, "message": message})


static func _answer_to(id: String, done: bool, code: String, message: String) -> Dictionary:
	return {
		"what": "request",
		"id": id,
		"done": done,
		"code": code,
		"message": message,
		"data": PackedByteArray(),
		"target_id": "",
	}


## Which target a path like [code]targets[3].size[/code] leads to.
static func _target_at(key: String, targets: Array) -> String:
	if not key.begins_with("targets["):
		return ""
	var place := key.get_slice("[", 1).get_slice("]", 0)
	return targets[int(place)]["id"] if place.is_valid_int() and int(place) < targets.size() else ""


static func _with_scene(targets: Dictionary[String, Dictionary], scene: Dictionary) -> Dictionary[String, Dictionary]:
	var changed: Dictionary[String, Dictionary] = {}
	if not scene.get("replace", true):
		changed = targets.duplicate()
		for id: String in scene.get("remove", []):
			changed.erase(id)
	for target: Dictionary in scene["targets"]:
		changed[target["id"] as String] = target
	return changed


static func _bytes_of(targets: Dictionary[String, Dictionary]) -> int:
	var bytes := 0
	for target: Dictionary in targets.values():
		bytes += GenlockWire.target_bytes(target)
	return bytes
