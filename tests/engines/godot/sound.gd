extends Checks
## The resampler: what passes, what is kept out, and the times of what comes after sound was lost.


class Listener:
	extends GenlockClient
	var codes: Array[String] = []
	var ends: Array[bool] = []

	func send_audio(_time_us: int, _pcm: PackedByteArray, is_end := false) -> void:
		ends.append(is_end)

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


## Sound comes while the tree is paused and after the buses were replaced, and ends when the microphone leaves.
func _what_is_streamed(client: Listener) -> void:
	var microphone := GenlockMicrophone.new()
	microphone.client = client
	var silence := AudioStreamWAV.new()
	silence.data.resize(2 * 44_100)
	silence.loop_mode = AudioStreamWAV.LOOP_FORWARD
	silence.loop_end = 44_100
	microphone.source = silence
	root.add_child(microphone)
	microphone.press()
	paused = true
	await _some_pieces(client)
	AudioServer.set_bus_layout(AudioBusLayout.new())
	await process_frame
	await _some_pieces(client)
	holds(AudioServer.is_bus_mute(AudioServer.get_bus_index(microphone._bus)), "it is not heard")
	paused = false
	root.remove_child(microphone)
	same(client.ends[-1], true, "the end is told when it leaves")
	root.add_child(microphone)
	root.remove_child(microphone)
	same(client.ends.count(true), 1, "and once")
	AudioServer.set_bus_layout(AudioBusLayout.new())
	root.add_child(microphone)
	AudioServer.set_bus_layout(AudioBusLayout.new())
	microphone.free()
	same(AudioServer.bus_count, 1, "a bus that was taken from it is not missed")


func _some_pieces(client: Listener) -> void:
	var before := client.ends.size()
	var until := Time.get_ticks_msec() + 20_000
	while client.ends.size() < before + 3 and Time.get_ticks_msec() < until:
		await process_frame
	holds(client.ends.size() >= before + 3, "sound is streamed")


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
	holds(not microphone.is_streaming(), "it was let go of")
	holds(microphone._capture != null and not microphone._resampler._is_over, "and listens there too")
	microphone.mode = GenlockMicrophone.Mode.OPEN
	microphone.reparent(root)
	holds(microphone.is_streaming(), "an open one streams wherever it is put")
	microphone.mode = GenlockMicrophone.Mode.PUSH_TO_TALK
	holds(not microphone.is_streaming(), "until it has to be pressed")
	microphone.press()
	microphone.mode = GenlockMicrophone.Mode.PUSH_TO_TALK
	holds(microphone.is_streaming(), "the same mode again changes nothing")
	microphone.reparent(elsewhere)
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
	await _what_is_streamed(client)
	client.free()
	# The engine lets go of a sound that was played some mixes later.
	for frame in 60:
		await process_frame
	finish()
