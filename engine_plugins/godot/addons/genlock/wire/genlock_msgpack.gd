class_name GenlockMsgpack
extends RefCounted
## MessagePack, both ways.
##
## Integers are laid in the smallest format, floats as float 64, [PackedByteArray] as bin. An object
## keeps its buffers, so use one for a thread, and not from several at once.

## Deeper values are refused.
const MAX_DEPTH := 64

## Why the last [method encode] or [method decode] failed; empty if it did not.
var error := ""

var _out := StreamPeerBuffer.new()
var _in := StreamPeerBuffer.new()
var _data := PackedByteArray()
var _end := 0


## A value of a msgpack extension type.
class Extension:
	extends RefCounted
	## -128 to 127; those below 0 are the specification's own.
	var type: int
	## What the type makes of it is up to the application.
	var data: PackedByteArray

	func _init(its_type: int, its_data: PackedByteArray) -> void:
		type = its_type
		data = its_data


func _init() -> void:
	_out.big_endian = true
	_in.big_endian = true


## A value as msgpack: null, bool, int, float, [String], [PackedByteArray], [Array], [Dictionary],
## [PackedStringArray], packed arrays of floats, [GenlockMsgpack.Extension]. Anything else sets
## [member error], and the result is empty.
func encode(value: Variant) -> PackedByteArray:
	error = ""
	_out.seek(0)
	_put(value, 0)
	if error:
		return PackedByteArray()
	return _out.data_array.slice(0, _out.get_position())


## The one value that the bytes hold. Null and a set [member error] if they are cut short, have
## bytes after their end, or are no msgpack. An unsigned integer beyond 63 bits becomes a float.
func decode(data: PackedByteArray) -> Variant:
	error = ""
	_data = data
	_in.data_array = data
	_end = data.size()
	var value: Variant = _get_value(0)
	if not error and _in.get_position() != _end:
		_fail("%d bytes after the end of the value" % (_end - _in.get_position()))
	return null if error else value


## Every msgpack value of the bytes, one after the other, such as a recording holds. What came
## before a mistake is returned, and [member error] is set.
func decode_all(data: PackedByteArray) -> Array:
	error = ""
	_data = data
	_in.data_array = data
	_end = data.size()
	var values := []
	while _in.get_position() < _end:
		var value: Variant = _get_value(0)
		if error:
			break
		values.append(value)
	return values


func _put(value: Variant, depth: int) -> void:
	if depth > MAX_DEPTH:
		_fail("nested deeper than %d" % MAX_DEPTH)
		return
	match typeof(value):
		TYPE_STRING, TYPE_STRING_NAME:
			_put_text(str(value))
		TYPE_INT:
			_put_int(value)
		TYPE_FLOAT:
			_out.put_u8(0xCB)
			_out.put_double(value)
		TYPE_PACKED_BYTE_ARRAY:
			var bytes: PackedByteArray = value
			_put_size(bytes.size(), 0xC4, 0xC5, 0xC6)
			_out.put_data(bytes)
		TYPE_DICTIONARY:
			var map: Dictionary = value
			_put_count(map.size(), 0x80, 0xDE)
			for key: Variant in map:
				_put(key, depth + 1)
				_put(map[key], depth + 1)
		TYPE_ARRAY, TYPE_PACKED_STRING_ARRAY, TYPE_PACKED_FLOAT32_ARRAY, TYPE_PACKED_FLOAT64_ARRAY:
			var items: Array = Array(value)
			_put_count(items.size(), 0x90, 0xDC)
			for item: Variant in items:
				_put(item, depth + 1)
		TYPE_BOOL:
			_out.put_u8(0xC3 if value else 0xC2)
		TYPE_NIL:
			_out.put_u8(0xC0)
		_:
			if value is Extension:
				_put_extension(value)
			else:
				_fail("msgpack has no %s" % type_string(typeof(value)))


func _put_int(value: int) -> void:
	if value >= 0:
		if value < 0x80:
			_out.put_u8(value)
		elif value <= 0xFF:
			_out.put_u8(0xCC)
			_out.put_u8(value)
		elif value <= 0xFFFF:
			_out.put_u8(0xCD)
			_out.put_u16(value)
		elif value <= 0xFFFFFFFF:
			_out.put_u8(0xCE)
			_out.put_u32(value)
		else:
			_out.put_u8(0xCF)
			_out.put_u64(value)
	elif value >= -0x20:
		_out.put_8(value)
	elif value >= -0x80:
		_out.put_u8(0xD0)
		_out.put_8(value)
	elif value >= -0x8000:
		_out.put_u8(0xD1)
		_out.put_16(value)
	elif value >= -0x80000000:
		_out.put_u8(0xD2)
		_out.put_32(value)
	else:
		_out.put_u8(0xD3)
		_out.put_64(value)


func _put_text(text: String) -> void:
	var bytes := text.to_utf8_buffer()
	if bytes.size() < 0x20:
		_out.put_u8(0xA0 | bytes.size())
	else:
		_put_size(bytes.size(), 0xD9, 0xDA, 0xDB)
	_out.put_data(bytes)


func _put_size(size: int, format8: int, format16: int, format32: int) -> void:
	if size <= 0xFF:
		_out.put_u8(format8)
		_out.put_u8(size)
	elif size <= 0xFFFF:
		_out.put_u8(format16)
		_out.put_u16(size)
	else:
		_out.put_u8(format32)
		_out.put_u32(size)


func _put_count(count: int, fixed: int, format16: int) -> void:
	if count < 0x10:
		_out.put_u8(fixed | count)
	elif count <= 0xFFFF:
		_out.put_u8(format16)
		_out.put_u16(count)
	else:
		_out.put_u8(format16 + 1)
		_out.put_u32(count)


func _put_extension(extension: Extension) -> void:
	if extension.type < -0x80 or extension.type > 0x7F:
		_fail("%d is no extension type" % extension.type)
		return
	var size := extension.data.size()
	var fixed := [1, 2, 4, 8, 16].find(size)
	if fixed >= 0:
		_out.put_u8(0xD4 + fixed)
	else:
		_put_size(size, 0xC7, 0xC8, 0xC9)
	_out.put_8(extension.type)
	_out.put_data(extension.data)


func _get_value(depth: int) -> Variant:
	if depth > MAX_DEPTH:
		return _fail("nested deeper than %d" % MAX_DEPTH)
	if _in.get_position() >= _end:
		return _fail("cut short")
	var format := _in.get_u8()
	if format < 0x80:
		return format
	if format < 0x90:
		return _get_map(format & 0x0F, depth)
	if format < 0xA0:
		return _get_list(format & 0x0F, depth)
	if format < 0xC0:
		return _get_text(format & 0x1F)
	if format >= 0xE0:
		return format - 0x100
	if format >= 0xCA and format <= 0xD3:
		return _get_number(format)
	return _get_other(format, depth)


func _get_number(format: int) -> Variant:
	const SIZES: Array[int] = [4, 8, 1, 2, 4, 8, 1, 2, 4, 8]
	if not _has(SIZES[format - 0xCA]):
		return null
	match format:
		0xCA:
			return _in.get_float()
		0xCB:
			return _in.get_double()
		0xCC:
			return _in.get_u8()
		0xCD:
			return _in.get_u16()
		0xCE:
			return _in.get_u32()
		0xCF:
			var number := _in.get_64()
			if number < 0:
				return float(number) + 18446744073709551616.0
			return number
		0xD0:
			return _in.get_8()
		0xD1:
			return _in.get_16()
		0xD2:
			return _in.get_32()
		_:
			return _in.get_64()


func _get_other(format: int, depth: int) -> Variant:
	match format:
		0xC0:
			return null
		0xC2:
			return false
		0xC3:
			return true
		0xC4, 0xC5, 0xC6:
			return _get_bytes(_get_size(1 << (format - 0xC4)))
		0xC7, 0xC8, 0xC9:
			return _get_extension(_get_size(1 << (format - 0xC7)))
		0xD4, 0xD5, 0xD6, 0xD7, 0xD8:
			return _get_extension(1 << (format - 0xD4))
		0xD9, 0xDA, 0xDB:
			return _get_text(_get_size(1 << (format - 0xD9)))
		0xDC, 0xDD:
			return _get_list(_get_size(2 << (format - 0xDC)), depth)
		0xDE, 0xDF:
			return _get_map(_get_size(2 << (format - 0xDE)), depth)
		_:
			return _fail("0x%02x is no msgpack" % format)


func _get_size(width: int) -> int:
	if not _has(width):
		return 0
	if width == 1:
		return _in.get_u8()
	return _in.get_u16() if width == 2 else _in.get_u32()


func _get_text(size: int) -> Variant:
	if not _has(size):
		return null
	return _in.get_utf8_string(size) if size else ""


func _get_bytes(size: int) -> Variant:
	if not _has(size):
		return null
	var begin := _in.get_position()
	_in.seek(begin + size)
	return _data.slice(begin, begin + size)


func _get_extension(size: int) -> Variant:
	if not _has(size + 1):
		return null
	var type := _in.get_8()
	var data: PackedByteArray = _get_bytes(size)
	return Extension.new(type, data)


func _get_list(count: int, depth: int) -> Variant:
	var list := []
	if error or not _has(count):
		return null
	for index in count:
		list.append(_get_value(depth + 1))
		if error:
			return null
	return list


func _get_map(count: int, depth: int) -> Variant:
	var map := {}
	if error or not _has(2 * count):
		return null
	for index in count:
		var key: Variant = _get_value(depth + 1)
		map[key] = _get_value(depth + 1)
		if error:
			return null
	return map


func _has(size: int) -> bool:
	if error:
		return false
	if _end - _in.get_position() < size:
		_fail("cut short")
		return false
	return true


func _fail(text: String) -> Variant:
	if not error:
		error = text
	return null
