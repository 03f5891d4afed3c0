extends Checks
## The resampler: what passes, what is kept out, and the times of what comes after sound was lost.


class Listener:
	extends GenlockClient
	var codes: Array[String] = []

	func report(code: String, _message: String) -> void:
		codes.append(code)


func _initialize() -> void:
	for rate: int in [16_000, 22_050, 44_100, 48_000]:
		_passes(rate)
	_lost(48_000)
	_lost(44_100)
	_microphones.call_deferred()


func _tone(rate: int, hz: float, samples: int) -> PackedVector2Array:
	var sound := PackedVector2Array()
	sound.resize(samples)
	for index in samples:
		sound[index] = Vector2.ONE * 0.5 * sin(TAU * hz * index / rate)
	return sound


func _all(resampler: GenlockResampler) -> Array[GenlockResampler.Piece]:
	var pieces: Array[GenlockResampler.Piece] = []
	resampler.finish()
	while not pieces or not pieces[-1].is_end:
		pieces.append_array(resampler.take())
		OS.delay_usec(200)
	resampler.stop()
	return pieces


func _passes(rate: int) -> void:
	for hz: float in [440.0, 7_000.0, 8_500.0]:
		if 2 * hz >= rate:
			continue
		var resampler := GenlockResampler.new(rate)
		var sound := _tone(rate, hz, rate)
		# In parts of no round length.
		for first in range(0, rate, 777):
			resampler.add(sound.slice(first, first + 777), 1_000_000 + floori(1e6 * first / rate))
		var pcm := PackedByteArray()
		var pieces := _all(resampler)
		for piece in pieces:
			pcm.append_array(piece.pcm)
		same(pcm.size(), 32_000, "a second at %d Hz is a second" % rate)
		same(pieces[0].time_us, 1_000_000, "it begins when it began")
		var off := 0.0
		for index in range(1_000, 15_000):
			var wanted := 0.5 * sin(TAU * hz * index / 16_000) if hz < 8_000 else 0.0
			off = maxf(off, absf(pcm.decode_s16(2 * index) / 32_767.0 - wanted))
		holds(off < 0.002, "%d Hz at %d Hz: off by %f" % [hz, rate, off])


func _lost(rate: int) -> void:
	var resampler := GenlockResampler.new(rate)
	var half := _tone(rate, 440.0, floori(rate / 2.0))
	resampler.add(half, 1_000_000)
	resampler.add(half, 1_500_000)
	resampler.add(half, 5_000_000)
	# Half a frame late is no loss.
	resampler.add(half, 5_505_000)
	var pieces := _all(resampler)
	var bytes := 0
	for piece in pieces:
		var lasts := floori(1e6 * piece.pcm.size() / 2 / 16_000)
		var is_before := piece.time_us >= 1_000_000 and piece.time_us + lasts <= 2_000_000
		var is_after := piece.time_us >= 5_000_000 and piece.time_us + lasts <= 6_000_000
		holds(is_before or is_after, "a piece at %d us" % piece.time_us)
		bytes += piece.pcm.size()
	same(bytes, 64_000, "nothing that was given is lost")
	same(pieces.filter(func(piece: GenlockResampler.Piece) -> bool: return piece.is_end).size(), 1, "one end")
	same(pieces[-1].time_us, 5_900_000, "the last tenth of a second")


func _microphones() -> void:
	var microphone := GenlockMicrophone.new()
	microphone.source = AudioStreamWAV.new()
	microphone.press()
	root.add_child(microphone)
	var buses := AudioServer.bus_count
	var elsewhere := Node.new()
	root.add_child(elsewhere)
	microphone.reparent(elsewhere)
	same(AudioServer.bus_count, buses, "one bus, wherever it is put")
	holds(microphone.is_streaming() and microphone._capture != null, "it listens there too")
	holds(microphone._resampler != null and not microphone._resampler._is_over, "and streams")
	elsewhere.free()
	same(AudioServer.bus_count, buses - 1, "none when it is gone")
	var client := Listener.new()
	var denied := GenlockMicrophone.new()
	denied.client = client
	root.add_child(denied)
	client.codes.clear()
	denied._on_permission("android.permission.CAMERA", false)
	same(client.codes, [] as Array[String], "the permission for something else")
	denied._on_permission("android.permission.RECORD_AUDIO", false)
	same(client.codes, ["microphone"] as Array[String], "no permission is told")
	holds(denied._capture == null, "and nothing is opened")
	denied.free()
	client.free()
	# The engine lets go of a sound that was played some mixes later.
	for frame in 60:
		await process_frame
	finish()
