class_name Checks
extends SceneTree
## A test that runs in the engine: counts what was checked, tells what is wrong, ends with 1 if anything is.

var _checked := 0
var _wrong := 0


## Notes a mistake where two values differ, in type or value.
func same(actual: Variant, expected: Variant, what: String) -> void:
	_checked += 1
	if not alike(actual, expected):
		_wrong += 1
		print("WRONG %s\n  is       %s\n  should be %s" % [what, var_to_str(actual), var_to_str(expected)])


## Notes a mistake where something does not hold.
func holds(condition: bool, what: String) -> void:
	_checked += 1
	if not condition:
		_wrong += 1
		print("WRONG ", what)


## Ends the engine and tells how many checks there were.
func finish() -> void:
	print("RESULT ", JSON.stringify({"checked": _checked, "wrong": _wrong}))
	quit(1 if _wrong else 0)


## Whether two values are the same, NaN included, with the same types all the way down.
static func alike(one: Variant, other: Variant) -> bool:
	if typeof(one) != typeof(other):
		return false
	if one is float:
		var first: float = one
		var second: float = other
		return first == second or (is_nan(first) and is_nan(second))
	if one is Array:
		var first_list: Array = one
		var second_list: Array = other
		if first_list.size() != second_list.size():
			return false
		for index in first_list.size():
			if not alike(first_list[index], second_list[index]):
				return false
		return true
	if one is Dictionary:
		var first_map: Dictionary = one
		var second_map: Dictionary = other
		if first_map.size() != second_map.size():
			return false
		for key: Variant in first_map:
			if not second_map.has(key) or not alike(first_map[key], second_map[key]):
				return false
		return true
	if one is GenlockMsgpack.Extension:
		var first_extension: GenlockMsgpack.Extension = one
		var second_extension: GenlockMsgpack.Extension = other
		return first_extension.type == second_extension.type and first_extension.data == second_extension.data
	return one == other


## A value as Python wrote it down with its type, see typed_json in test_godot.py.
static func typed(written: Variant) -> Variant:
	if written is not Dictionary:
		return written
	var pair: Dictionary = written
	var kind: String = pair.keys()[0]
	var content: Variant = pair[kind]
	match kind:
		"int":
			return (content as String).to_int()
		"float":
			return (content as String).hex_decode().decode_double(0)
		"text":
			return content
		"bytes":
			return (content as String).hex_decode()
		"extension":
			var parts: Array = content
			return GenlockMsgpack.Extension.new((parts[0] as String).to_int(), (parts[1] as String).hex_decode())
		"list":
			var list := []
			for item: Variant in content as Array:
				list.append(typed(item))
			return list
		_:
			var map := {}
			for item: Array in content as Array:
				map[typed(item[0])] = typed(item[1])
			return map


## What a test was given in an environment variable, as JSON.
static func given(name: String) -> Variant:
	return JSON.parse_string(FileAccess.get_file_as_string(OS.get_environment(name)))
