class_name GenlockWire
extends RefCounted
## The messages of Genlock's protocol 1.0: which keys they have, in which order, with which defaults.
##
## A message is a [Dictionary] with the key [code]type[/code]. An object is for one thread at a time.

## What a key holds.
enum {
	INT,
	FLOAT,
	BOOL,
	TEXT,
	BYTES,
	TEXTS,
	FLOATS,
	BLOBS,
	MAP,
	MAPS,
	TEXT_LISTS,
	SCALARS,
	SCALAR,
	NULLABLE_TEXT,
	NULLABLE_FLOAT,
}

## The version of the protocol that this client was written for.
const VERSION := "1.0"
## The WebSocket subprotocol.
const SUBPROTOCOL := "genlock.v1"
## The daemon takes longer messages only of the types in [constant LARGE].
const MESSAGE_BYTES := 65_536
## The longest message of the types in [constant LARGE], and the longest that the daemon sends.
const LARGE_MESSAGE_BYTES := 1_052_672
## Types of messages that may be large.
const LARGE: PackedStringArray = ["image", "teach", "profile"]
## What the targets of a scene may have together, as [method target_bytes] counts them: they go in one message.
const SCENE_BYTES := MESSAGE_BYTES - 256
## The most targets of a scene.
const MAX_TARGETS := 64
## The most other names of a target.
const MAX_ALIASES := 16
## The most letters of what names something to the app, and of what people call it.
const ID_LENGTH := 128
const NAME_LENGTH := 256

## Stands for the default of a key that must be there.
const REQUIRED := &"required"

## The default of bytes.
const NO_BYTES: PackedByteArray = []

## Of each type of message, and of the maps in them: its keys in the order of the wire, what each
## is, its default, and of maps whose keys.
const SHAPES := {
	"hello":
	[
		["version", TEXT, REQUIRED],
		["app", MAP, REQUIRED, "app"],
		["user", TEXT, REQUIRED],
		["token", TEXT, ""],
		["device", MAP, {}, "device"],
		["refresh_hz", FLOAT, 90.0],
		["streams", TEXTS, ["frame"]],
		["horizons_ms", FLOATS, [50.0, 100.0]],
		["resume", NULLABLE_TEXT, null],
		["last_n", INT, -1],
	],
	"app":
	[
		["name", TEXT, REQUIRED],
		["version", TEXT, ""],
		["confidence", FLOAT, 0.5],
		["actions", MAPS, [], "action"],
		["classifier", TEXT, ""],
		["learn", BOOL, true],
		["bystanders", TEXT, "heard"],
		["objects", MAPS, [], "object"],
	],
	"object": [["name", TEXT, REQUIRED], ["examples", BLOBS, REQUIRED]],
	"action":
	[
		["name", TEXT, REQUIRED],
		["phrases", TEXTS, []],
		["target", TEXT, "none"],
		["arguments", MAPS, [], "argument"],
		["labels", TEXTS, []],
		["gestures", TEXTS, []],
		["sees", TEXTS, []],
	],
	"argument":
	[
		["name", TEXT, REQUIRED],
		["kind", TEXT, "choice"],
		["values", TEXTS, []],
		["synonyms", TEXT_LISTS, {}],
		["minimum", FLOAT, -1e9],
		["maximum", FLOAT, 1e9],
		["unit", TEXT, ""],
		["required", BOOL, false],
		["default", SCALAR, ""],
	],
	"device":
	[
		["name", TEXT, ""],
		["runtime", TEXT, ""],
		["engine", TEXT, ""],
		["plugin", TEXT, ""],
	],
	"frame":
	[
		["q", INT, REQUIRED],
		["t", INT, REQUIRED],
		["m", INT, REQUIRED],
		["d", BYTES, REQUIRED],
	],
	"scene":
	[
		["id", TEXT, REQUIRED],
		["targets", MAPS, REQUIRED, "target"],
		["replace", BOOL, true],
		["remove", TEXTS, []],
	],
	"target":
	[
		["id", TEXT, REQUIRED],
		["position", FLOATS, REQUIRED],
		["size", FLOATS, [0.1, 0.1, 0.1]],
		["name", TEXT, ""],
		["aliases", TEXTS, []],
	],
	"utterance":
	[
		["id", TEXT, REQUIRED],
		["text", TEXT, REQUIRED],
		["time", INT, REQUIRED],
		["language", TEXT, ""],
	],
	"audio":
	[
		["time", INT, REQUIRED],
		["pcm", BYTES, REQUIRED],
		["end", BOOL, false],
	],
	"image":
	[
		["time", INT, REQUIRED],
		["format", TEXT, REQUIRED],
		["width", INT, REQUIRED],
		["height", INT, REQUIRED],
		["data", BYTES, REQUIRED],
	],
	"teach":
	[
		["id", TEXT, REQUIRED],
		["kind", TEXT, REQUIRED],
		["name", TEXT, REQUIRED],
		["phrase", TEXT, ""],
		["target", TEXT, ""],
		["device", TEXT, ""],
		["examples", BLOBS, []],
	],
	"feedback":
	[
		["id", TEXT, REQUIRED],
		["verdict", TEXT, REQUIRED],
		["time", INT, REQUIRED],
		["action", TEXT, ""],
		["target", TEXT, ""],
		["n", INT, 0],
		["of", TEXT, ""],
	],
	"profile":
	[
		["id", TEXT, REQUIRED],
		["operation", TEXT, REQUIRED],
		["kind", TEXT, "all"],
		["data", BYTES, NO_BYTES],
	],
	"bye": [["reason", TEXT, ""]],
	"welcome":
	[
		["version", TEXT, REQUIRED],
		["session", TEXT, REQUIRED],
		["resume", TEXT, REQUIRED],
		["resume_s", FLOAT, REQUIRED],
		["resumed", BOOL, REQUIRED],
		["last_q", INT, REQUIRED],
		["models", MAPS, REQUIRED, "model"],
		["serves", TEXTS, REQUIRED],
		["limits", MAP, REQUIRED, "limits"],
		["server_time", INT, REQUIRED],
		["recording", BOOL, REQUIRED],
		["learning", BOOL, REQUIRED],
		["sessions", INT, REQUIRED],
		["restored", BOOL, false],
	],
	"model": [["name", TEXT, REQUIRED], ["version", TEXT, REQUIRED]],
	"limits":
	[
		["message_bytes", INT, REQUIRED],
		["large_message_bytes", INT, REQUIRED],
		["targets", INT, REQUIRED],
		["horizons", INT, REQUIRED],
		["horizon_ms", INT, REQUIRED],
		["messages_per_second", INT, REQUIRED],
	],
	"actions":
	[
		["q", INT, REQUIRED],
		["t", INT, REQUIRED],
		["m", INT, REQUIRED],
		["f", BYTES, REQUIRED],
		["k", INT, REQUIRED],
		["p", BYTES, REQUIRED],
		["s", INT, 0],
		["a", MAPS, [], "act"],
	],
	"act":
	[
		["n", INT, REQUIRED],
		["name", TEXT, REQUIRED],
		["phase", TEXT, REQUIRED],
		["confidence", FLOAT, REQUIRED],
		["source", TEXT, REQUIRED],
		["id", TEXT, ""],
		["target", TEXT, ""],
		["arguments", SCALARS, {}],
	],
	"transcript":
	[
		["text", TEXT, REQUIRED],
		["final", BOOL, REQUIRED],
		["time", INT, REQUIRED],
		["id", TEXT, ""],
		["words", MAPS, [], "word"],
		["speaker", NULLABLE_FLOAT, null],
	],
	"word": [["text", TEXT, REQUIRED], ["begin", INT, REQUIRED], ["end", INT, REQUIRED]],
	"ack":
	[
		["id", TEXT, REQUIRED],
		["scene", INT, 0],
		["data", BYTES, NO_BYTES],
	],
	"error":
	[
		["code", TEXT, REQUIRED],
		["message", TEXT, REQUIRED],
		["of", TEXT, ""],
		["key", TEXT, ""],
		["id", TEXT, ""],
		["q", INT, -1],
	],
	"notice":
	[
		["code", TEXT, REQUIRED],
		["message", TEXT, REQUIRED],
		["retry_ms", INT, 0],
		["id", TEXT, ""],
	],
}

const _KINDS := {
	INT: TYPE_INT,
	FLOAT: TYPE_FLOAT,
	BOOL: TYPE_BOOL,
	TEXT: TYPE_STRING,
	BYTES: TYPE_PACKED_BYTE_ARRAY,
	TEXTS: TYPE_ARRAY,
	FLOATS: TYPE_ARRAY,
	BLOBS: TYPE_ARRAY,
	MAP: TYPE_DICTIONARY,
	MAPS: TYPE_ARRAY,
	TEXT_LISTS: TYPE_DICTIONARY,
	SCALARS: TYPE_DICTIONARY,
}

## Why the last [method read] or [method lay] failed: the message and the key; empty if it did not.
var error := ""

var _codec := GenlockMsgpack.new()


## A message as bytes: keys in the order of the protocol, those at their default left out. Whole
## numbers may stand for floats, and vectors for lists of them. Empty, and [member error] set, if
## a key is missing or of a wrong type. Limits are the daemon's to check.
func lay(message: Dictionary) -> PackedByteArray:
	error = ""
	var type: String = message.get("type", "")
	if type not in SHAPES:
		error = "there is no message '%s'" % type
		return PackedByteArray()
	var laid := {"type": type}
	laid.merge(_lay_map(message, type, type))
	if error:
		return PackedByteArray()
	var bytes := _codec.encode(laid)
	error = _codec.error
	return bytes


## A frame as [method lay] would lay it, without the detour: there are many of them.
func lay_frame(q: int, time_us: int, parts: int, numbers: PackedByteArray) -> PackedByteArray:
	return _codec.encode({"type": "frame", "q": q, "t": time_us, "m": parts, "d": numbers})


## A message from bytes, with every key that the protocol has for its type; keys that it does not
## know are left out. Of a type that is not known only [code]type[/code] is there. Empty, and
## [member error] set, if it is no message.
func read(bytes: PackedByteArray) -> Dictionary:
	error = ""
	var value: Variant = _codec.decode(bytes)
	if _codec.error:
		error = "not msgpack: " + _codec.error
		return {}
	if value is not Dictionary or (value as Dictionary).get("type") is not String:
		error = "not a map with a type"
		return {}
	var map: Dictionary = value
	var type: String = map["type"]
	if type not in SHAPES:
		return {"type": type}
	var message := {"type": type}
	message.merge(_read_map(map, type, type))
	return {} if error else message


## The most bytes that a target has in a scene.
static func target_bytes(target: Dictionary) -> int:
	# Keys, numbers, and a header for each text.
	var bytes := 128
	for text: String in [target["id"], target.get("name", "")]:
		bytes += text.to_utf8_buffer().size()
	for alias: String in target.get("aliases", []):
		bytes += 5 + alias.to_utf8_buffer().size()
	return bytes


func _lay_map(map: Dictionary, shape: String, path: String) -> Dictionary:
	var laid := {}
	for field: Array in SHAPES[shape]:
		var key: String = field[0]
		var fallback: Variant = field[2]
		if key not in map:
			if is_same(fallback, REQUIRED):
				_fail("%s: '%s' is missing" % [path, key])
			continue
		var value: Variant = _lay_value(map[key], field, path + "." + key)
		var is_default: bool = (
			not is_same(fallback, REQUIRED) and typeof(value) == typeof(fallback) and value == fallback
		)
		if not is_default:
			laid[key] = value
	return laid


func _lay_value(value: Variant, field: Array, path: String) -> Variant:
	match field[1]:
		FLOAT:
			if value is int:
				return float(value as int)
		SCALAR, NULLABLE_FLOAT:
			return float(value as int) if value is int else value
		NULLABLE_TEXT:
			return value
		TEXT:
			if value is StringName:
				return str(value)
		TEXTS, BLOBS:
			if value is Array or value is PackedStringArray:
				return Array(value)
		FLOATS:
			return _floats(value, path)
		MAP:
			if value is Dictionary:
				return _lay_map(value as Dictionary, field[3] as String, path)
		MAPS:
			if value is Array:
				var maps := []
				for item: Dictionary in value:
					maps.append(_lay_map(item, field[3] as String, "%s[%d]" % [path, maps.size()]))
				return maps
	if typeof(value) != _KINDS[field[1]]:
		_fail("%s: cannot be %s" % [path, type_string(typeof(value))])
	return value


func _floats(value: Variant, path: String) -> Array:
	if value is Vector3:
		var vector: Vector3 = value
		return [vector.x, vector.y, vector.z]
	if typeof(value) not in [TYPE_ARRAY, TYPE_PACKED_FLOAT32_ARRAY, TYPE_PACKED_FLOAT64_ARRAY]:
		_fail("%s: cannot be %s" % [path, type_string(typeof(value))])
		return []
	var numbers := []
	for item: Variant in Array(value):
		if typeof(item) not in [TYPE_INT, TYPE_FLOAT]:
			_fail("%s: holds something that is no number" % path)
			return []
		numbers.append(float(item))
	return numbers


func _read_map(map: Dictionary, shape: String, path: String) -> Dictionary:
	var message := {}
	for field: Array in SHAPES[shape]:
		var key: String = field[0]
		if key in map:
			message[key] = _read_value(map[key], field, path + "." + key)
		elif is_same(field[2], REQUIRED):
			_fail("%s: '%s' is missing" % [path, key])
		elif field[1] == MAP:
			message[key] = _read_map({}, field[3] as String, path)
		else:
			var fallback: Variant = field[2]
			message[key] = (fallback as Array).duplicate() if fallback is Array else fallback
	return message


func _read_value(value: Variant, field: Array, path: String) -> Variant:
	match field[1]:
		FLOAT, SCALAR:
			if value is int:
				return float(value as int)
			if field[1] == SCALAR:
				return value
		NULLABLE_TEXT:
			if value == null or value is String:
				return value
		NULLABLE_FLOAT:
			if value == null or value is float:
				return value
			if value is int:
				return float(value as int)
		FLOATS:
			return _floats(value, path)
		MAP:
			if value is Dictionary:
				return _read_map(value as Dictionary, field[3] as String, path)
		MAPS:
			if value is Array:
				var maps := []
				for item: Variant in value as Array:
					if item is not Dictionary:
						_fail("%s: holds something that is no map" % path)
						return []
					maps.append(_read_map(item as Dictionary, field[3] as String, path))
				return maps
	if typeof(value) != _KINDS.get(field[1], TYPE_NIL):
		_fail("%s: cannot be %s" % [path, type_string(typeof(value))])
	return value


func _fail(text: String) -> void:
	if not error:
		error = text
