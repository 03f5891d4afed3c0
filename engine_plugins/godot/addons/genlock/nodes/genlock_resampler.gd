class_name GenlockResampler
extends RefCounted
## Turns the engine's sound into the wire's, on a thread of its own: mono, 16 kHz, 16 bit, in pieces.
##
## A windowed sinc of [constant TAPS] samples on either side of the finer rate keeps what is above 8 kHz out.

## Half the length of the filter, in samples of the slower of the two rates.
const TAPS := 12

var _rate: float
var _thread := Thread.new()
var _mutex := Mutex.new()
var _wake := Semaphore.new()
var _given: Array[Dictionary] = []
var _pieces: Array[Piece] = []
var _is_over := false
# Of the thread.
var _sound := PackedFloat32Array()
var _sound_us := 0
var _at := 0.0
var _samples := PackedInt32Array()
var _samples_us := 0


## A piece of sound as it goes over the wire.
class Piece:
	extends RefCounted
	## The time of its first sample, microseconds.
	var time_us: int
	## Signed 16 bit, little-endian.
	var pcm: PackedByteArray
	## Whether the user stopped speaking after it.
	var is_end: bool

	func _init(its_time_us: int, its_pcm: PackedByteArray, ends: bool) -> void:
		time_us = its_time_us
		pcm = its_pcm
		is_end = ends


## Takes sound of [param rate] samples a second.
func _init(rate: float) -> void:
	_rate = rate
	_thread.start(_run)


## Gives it sound; [param time_us] is of the first sample.
func add(sound: PackedVector2Array, time_us: int) -> void:
	_give({"sound": sound, "time_us": time_us})


## What was given so far is all of an utterance.
func finish() -> void:
	_give({})


## The pieces that are ready.
func take() -> Array[Piece]:
	_mutex.lock()
	var taken := _pieces
	_pieces = []
	_mutex.unlock()
	return taken


## Ends the thread.
func stop() -> void:
	_is_over = true
	_wake.post()
	_thread.wait_to_finish()


## One sample between those of a sound: [param at] counts in them, [param step] of them lie between two results.
static func sample(sound: PackedFloat32Array, at: float, step: float) -> float:
	var cutoff := minf(1.0, 1.0 / step)
	var reach := TAPS / cutoff
	var first := maxi(ceili(at - reach), 0)
	var last := mini(floori(at + reach), sound.size() - 1)
	var total := 0.0
	for index in range(first, last + 1):
		var x := index - at
		var window := 0.5 + 0.5 * cos(PI * x / reach)
		var angle := PI * x * cutoff
		var weight := 1.0 if is_zero_approx(angle) else sin(angle) / angle
		total += sound[index] * weight * window
	return total * cutoff


func _give(item: Dictionary) -> void:
	_mutex.lock()
	_given.append(item)
	_mutex.unlock()
	_wake.post()


func _run() -> void:
	while true:
		_wake.wait()
		if _is_over:
			return
		_mutex.lock()
		var item: Dictionary = _given.pop_front() if _given else {}
		_mutex.unlock()
		if "sound" in item:
			_append(item["sound"] as PackedVector2Array, item["time_us"] as int)
			_resample(_sound.size() - TAPS * maxf(1.0, _rate / GenlockMicrophone.RATE) - 1.0)
			_cut(false)
		else:
			_resample(_sound.size() - 1.0)
			_cut(true)
			_sound.clear()
			_at = 0.0


func _append(sound: PackedVector2Array, time_us: int) -> void:
	if _sound.is_empty():
		_sound_us = time_us
	for both in sound:
		_sound.append(0.5 * (both.x + both.y))


func _resample(until: float) -> void:
	var step := _rate / GenlockMicrophone.RATE
	while _at <= until:
		if _samples.is_empty():
			_samples_us = _sound_us + int(1e6 * _at / _rate)
		_samples.append(clampi(roundi(32767.0 * sample(_sound, _at, step)), -32768, 32767))
		_at += step
	# What lies behind the filter's reach is of no more use.
	var passed := floori(_at - TAPS * maxf(1.0, step) - 1.0)
	if passed > _rate:
		_sound = _sound.slice(passed)
		_at -= passed
		_sound_us += int(1e6 * passed / _rate)


func _cut(is_end: bool) -> void:
	while _samples.size() >= GenlockMicrophone.PIECE or (is_end and _samples):
		var count := mini(_samples.size(), GenlockMicrophone.PIECE)
		_push(_samples.slice(0, count), is_end and count == _samples.size())
		_samples = _samples.slice(count)
		_samples_us += int(1e6 * count / GenlockMicrophone.RATE)
		if is_end and _samples.is_empty():
			return
	if is_end:
		_push(PackedInt32Array(), true)


func _push(samples: PackedInt32Array, is_end: bool) -> void:
	var pcm := PackedByteArray()
	pcm.resize(2 * samples.size())
	for index in samples.size():
		pcm.encode_s16(2 * index, samples[index])
	_mutex.lock()
	_pieces.append(Piece.new(_samples_us, pcm, is_end))
	_mutex.unlock()
