class_name GenlockResampler
extends RefCounted
## Turns the engine's sound into the wire's, on a thread of its own: mono, 16 kHz, 16 bit, in pieces.
##
## What would fold back is kept out, by 60 dB, by a sinc under a Kaiser window (Smith, "Digital Audio Resampling",
## ccrma.stanford.edu/~jos/resample), worked out once for each place that a result can have between two samples.

## Crossings of the sinc on either side.
const CROSSINGS := 32
## Where the filter is half closed, of what the lower of both rates can hold.
const PASSES := 0.9625
## Of the window, for 60 dB: 0.1102 (60 - 8.7), Kaiser's formula.
const BETA := 5.65
## Sound that comes so much earlier or later than expected does not follow what came before, microseconds.
const GAP_USEC := 100_000

var _rate: int
# Samples that a result is made of, on either side of its place.
var _half: int
# Places that a result can have between two samples.
var _phases: int
var _thread := Thread.new()
var _mutex := Mutex.new()
var _wake := Semaphore.new()
var _given: Array[Dictionary] = []
var _pieces: Array[Piece] = []
var _is_over := false
# Of the thread.
# For each phase, for each of the four places in a group that the filter can begin at: the weights.
var _kernels: Array[PackedVector4Array] = []
# Samples in groups of four, which the engine multiplies at once, and those that make no four yet.
var _groups := PackedVector4Array()
var _rest := PackedFloat32Array()
# Of the sound since its last gap: the time of its first sample, and how many samples there were.
var _sound_us := 0
var _count := 0
# Results that were made of it; where the filter of the next begins in the groups, and its phase.
var _made := 0
var _at := 0
var _phase := 0
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
	_rate = roundi(rate)
	_half = ceili(CROSSINGS * maxf(1.0, float(_rate) / GenlockMicrophone.RATE))
	_phases = floori(float(GenlockMicrophone.RATE) / _divisor(_rate, GenlockMicrophone.RATE))
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


func _give(item: Dictionary) -> void:
	_mutex.lock()
	_given.append(item)
	_mutex.unlock()
	_wake.post()


func _run() -> void:
	_make_kernels()
	while true:
		_wake.wait()
		if _is_over:
			return
		_mutex.lock()
		var item: Dictionary = _given.pop_front() if _given else {}
		_mutex.unlock()
		if "sound" in item:
			_append(item["sound"] as PackedVector2Array, item["time_us"] as int)
			_resample()
			_cut(false, false)
		else:
			_flush()
			_cut(true, true)


func _append(sound: PackedVector2Array, time_us: int) -> void:
	if _count > 0 and absi(time_us - _sound_us - floori(1e6 * _count / _rate)) > GAP_USEC:
		# Some of it was lost: what comes now must not get the times of what is missing.
		_flush()
		_cut(true, false)
	if _count == 0:
		_sound_us = time_us
		# The first result lies on the first sample.
		_rest.resize(_half - 1)
	_count += sound.size()
	for both in sound:
		_rest.append(0.5 * (both.x + both.y))
	_group()


## All that follows each other was given; what comes next is something new.
func _flush() -> void:
	if _count > 0:
		var behind := PackedFloat32Array()
		# The filter's reach, and groups that are whole wherever it begins.
		behind.resize(_half + 8)
		_rest.append_array(behind)
		_group()
		_resample()
	_groups.clear()
	_rest.clear()
	_count = 0
	_made = 0
	_at = 0
	_phase = 0


func _group() -> void:
	var whole := _rest.size() - _rest.size() % 4
	for index in range(0, whole, 4):
		_groups.append(Vector4(_rest[index], _rest[index + 1], _rest[index + 2], _rest[index + 3]))
	_rest = _rest.slice(whole)


func _resample() -> void:
	var length := _kernels[0].size()
	var step := floori(float(_rate) / GenlockMicrophone.RATE)
	# In phases; both rates are whole multiples of the same.
	var more := floori(float(_rate) * _phases / GenlockMicrophone.RATE) - step * _phases
	var results := ceili(float(_count) * GenlockMicrophone.RATE / _rate)
	while _made < results and (_at >> 2) + length <= _groups.size():
		if _samples.is_empty():
			_samples_us = _sound_us + floori(1e6 * _made / GenlockMicrophone.RATE)
		var total := 0.0
		var place := _at >> 2
		for weights in _kernels[4 * _phase + (_at & 3)]:
			total += weights.dot(_groups[place])
			place += 1
		_samples.append(clampi(roundi(32767.0 * total), -32768, 32767))
		_made += 1
		_at += step
		_phase += more
		if _phase >= _phases:
			_phase -= _phases
			_at += 1
	# What lies before the filter is of no more use.
	var passed := _at >> 2
	if 4 * passed > _rate:
		_groups = _groups.slice(passed)
		_at -= 4 * passed


## Makes pieces of what is there: of the last ones too where [param all] of it is to go.
func _cut(all: bool, is_end: bool) -> void:
	while _samples.size() >= GenlockMicrophone.PIECE or (all and _samples):
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


## Of each phase the weights of the samples around it, which sum up to 1.
func _make_kernels() -> void:
	var passes := PASSES * minf(1.0, float(GenlockMicrophone.RATE) / _rate)
	var weights := PackedFloat64Array()
	weights.resize(2 * _half)
	for phase in _phases:
		var sum := 0.0
		for index in weights.size():
			var away := index - (_half - 1) - float(phase) / _phases
			var turn := PI * away * passes
			var window := _bessel(BETA * sqrt(maxf(0.0, 1.0 - (away / _half) ** 2)))
			weights[index] = window * (1.0 if is_zero_approx(turn) else sin(turn) / turn)
			sum += weights[index]
		for before in 4:
			var kernel := PackedVector4Array()
			kernel.resize(ceili((weights.size() + 3) / 4.0))
			for index in weights.size():
				var group := kernel[(before + index) >> 2]
				group[(before + index) & 3] = weights[index] / sum
				kernel[(before + index) >> 2] = group
			_kernels.append(kernel)


## The modified Bessel function of the first kind and order 0, by its power series.
static func _bessel(x: float) -> float:
	var term := 1.0
	var sum := 1.0
	var k := 1
	while term > 1e-12 * sum:
		term *= x * x / (4.0 * k * k)
		sum += term
		k += 1
	return sum


static func _divisor(a: int, b: int) -> int:
	return a if b == 0 else _divisor(b, a % b)
