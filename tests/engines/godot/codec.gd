extends Checks
## Every case of msgpack_cases.py both ways, every vector both ways, and what is no msgpack.

var _codec := GenlockMsgpack.new()
var _wire := GenlockWire.new()


func _initialize() -> void:
	var cases: Dictionary = given("CASES")
	for case: Dictionary in cases["msgpack"] as Array:
		_both_ways(case)
	for bytes: String in cases["broken"] as Array:
		same(_codec.decode(bytes.hex_decode()), null, "broken " + bytes.left(40))
		holds(not _codec.error.is_empty(), "broken %s is noticed" % bytes.left(40))
	for vector: Dictionary in cases["vectors"] as Array:
		_vector(vector)
	for vector: Dictionary in cases["bad"] as Array:
		_codec.decode((vector["bytes"] as String).hex_decode())
		same(_codec.error.is_empty(), vector["is_msgpack"], "bad vector %s: %s" % [vector["path"], _codec.error])
	_what_cannot_be_laid()
	finish()


func _both_ways(case: Dictionary) -> void:
	var value: Variant = typed(case["value"])
	var encodings: Array = case["encodings"]
	if case["canonical"]:
		same(_codec.encode(value).hex_encode(), encodings[0], "encoding of " + str(value).left(60))
	for encoding: String in encodings:
		same(_codec.decode(encoding.hex_decode()), value, "decoding of " + encoding.left(60))
		same(_codec.error, "", "decoding of " + encoding.left(60))
		if encoding.length() > 2:
			_codec.decode(encoding.left(-2).hex_decode())
			holds(not _codec.error.is_empty(), "cut short is noticed: " + encoding.left(60))
		_codec.decode((encoding + "00").hex_decode())
		holds(not _codec.error.is_empty(), "a byte too many is noticed: " + encoding.left(60))


func _vector(vector: Dictionary) -> void:
	var path: String = vector["path"]
	var bytes := (vector["bytes"] as String).hex_decode()
	var meaning: Dictionary = typed(vector["meaning"])
	var message := _wire.read(bytes)
	same(_wire.error, "", path)
	same(message, meaning, path + " read")
	if vector["canonical"]:
		same(_wire.lay(meaning).hex_encode(), bytes.hex_encode(), path + " laid")
	else:
		same(_wire.read(_wire.lay(meaning)), meaning, path + " laid and read")


func _what_cannot_be_laid() -> void:
	for message: Dictionary in [
		{"type": "utterance", "id": "u", "time": 1},
		{"type": "utterance", "id": "u", "text": 3, "time": 1},
		{"type": "frame", "q": 1.5, "t": 1, "m": 1, "d": PackedByteArray()},
		{"type": "scene", "id": "s", "targets": [{"id": "a"}]},
		{"type": "scene", "id": "s", "targets": [{"id": "a", "position": ["x", 1, 2]}]},
		{"type": "dance"},
		{},
	]:
		same(_wire.lay(message), PackedByteArray(), str(message))
		holds(not _wire.error.is_empty(), "words for " + str(message))
	_wire.lay({"type": "scene", "id": "s", "targets": [{"id": "a"}]})
	same(_wire.error, "scene.targets[0]: 'position' is missing", "the words")
	var nested: Variant = []
	for depth in 70:
		nested = [nested]
	_codec.encode(nested)
	same(_codec.error, "nested deeper than 64", "a deep value")
	_codec.encode(Vector2())
	same(_codec.error, "msgpack has no Vector2", "a vector")
