class_name GenlockLink
extends RefCounted
## The connection to a daemon, on a thread that owns the socket: connects, connects again, resumes, sends and parses.
##
## Everything here may be called on the main thread and never waits, but for [method join]. What happened is taken with
## [method take_news], in order.

enum State { OFF, WAITING, CONNECTING, GREETING, OPEN, CLOSING }

## The first pause before connecting again and the longest, milliseconds; doubled each time.
const BACKOFF_MS: PackedInt32Array = [250, 8000]
## For connecting, and then for the daemon's welcome, microseconds.
const PATIENCE_USEC := 10_000_000
## For the daemon's answer to [code]bye[/code], microseconds.
const FAREWELL_USEC := 2_000_000
## How often the socket is looked at while frames are sent, and while nothing happens, microseconds.
const POLL_USEC := 400
const IDLE_POLL_USEC := 4_000
## Frames are dropped while so many bytes are not sent yet.
const FULL_BYTES := 256 * 1024
## News that wait for the main thread before older answers to frames are left out.
const NEWS_KEPT := 512
## A ping after so many seconds without any; a peer that does not answer it is given up.
const HEARTBEAT_S := 10.0

const _NOTHING: Array = []

var _thread: Thread
var _mutex := Mutex.new()
# Shared, under the mutex.
var _queue: Array = []
var _news: Array = []
var _spare: Array = []
# Read without the mutex too: one that is seen late is taken in the next frame.
var _has_news := false
var _statistics := {}
var _at_once := false
var _leave := false
var _is_abandoned := false
var _state := State.OFF
# Of the thread.
var _emptied: Array = []
var _url := ""
var _tls: TLSOptions
var _talk := GenlockConversation.new()
var _peer: WebSocketPeer
var _deadline := 0
var _attempts := 0
var _is_full := false
var _told_unreachable := false
var _active_until := 0
var _frames_dropped := 0
var _bytes_sent := 0
var _bytes_received := 0
var _statistics_at := 0


## Starts connecting. [param introduction] is what [code]hello[/code] says, [param tls] is for wss.
func open(url: String, introduction: Dictionary, tls: TLSOptions = null) -> void:
	assert(_thread == null, "a link is opened once")
	_url = url
	_tls = tls
	_talk.introduction = introduction
	_state = State.WAITING
	_thread = Thread.new()
	_thread.start(_run)


## Gives a frame ([GenlockFrame]) or a message (a map) to the thread, which sends them in order.
func send(item: Variant) -> void:
	_mutex.lock()
	_queue.append(item)
	_mutex.unlock()


## What happened since the last time, in order: of each, a [GenlockAnswer] or a map. It is good until the next time.
func take_news() -> Array:
	if not _has_news:
		return _NOTHING
	_spare.clear()
	_mutex.lock()
	var taken := _news
	_news = _spare
	_has_news = false
	_mutex.unlock()
	_spare = taken
	return taken


## Ends a pause before connecting again.
func reconnect_now() -> void:
	_mutex.lock()
	_at_once = true
	_mutex.unlock()


## Says [code]bye[/code] and ends.
func close() -> void:
	_mutex.lock()
	_leave = true
	_mutex.unlock()


## Ends at once, without waiting for the daemon's farewell.
func abandon() -> void:
	_is_abandoned = true


## Whether the thread is done: after [method close], or when connecting again is of no use.
func is_over() -> bool:
	return _thread != null and not _thread.is_alive()


## Waits for the thread; after [method close], or when [method is_over].
func join() -> void:
	if _thread != null and _thread.is_started():
		_thread.wait_to_finish()


## What it does now.
func state() -> State:
	return _state


## Counts and round trips, a fraction of a second old.
func statistics() -> Dictionary:
	_mutex.lock()
	var latest := _statistics
	_mutex.unlock()
	return latest


func _run() -> void:
	while _state != State.OFF and not _is_abandoned:
		var now := Time.get_ticks_usec()
		_take_queue(now)
		_step(now)
		_publish(now)
		OS.delay_usec(POLL_USEC if now < _active_until else IDLE_POLL_USEC)
	_publish(Time.get_ticks_usec())
	_peer = null


func _take_queue(now: int) -> void:
	_mutex.lock()
	var queue := _queue
	_queue = _emptied
	var leave := _leave
	if _at_once and _state == State.WAITING:
		_deadline = now
	_at_once = false
	_mutex.unlock()
	for item: Variant in queue:
		_active_until = now + 1_000_000
		if item is not GenlockFrame:
			var message: Dictionary = item
			# What has an id must not be lost; sound and pictures that come too late are of no use.
			if "id" in message or not _is_full:
				_talk.say(message)
		elif _state != State.OPEN or _is_full:
			_frames_dropped += 1
		else:
			_talk.say_frame(item as GenlockFrame, now)
	# Swapped, so that the main thread finds room where it puts the next.
	queue.clear()
	_emptied = queue
	if leave and _state != State.CLOSING:
		_farewell(now)


func _farewell(now: int) -> void:
	var was_open := _state == State.OPEN
	_talk.say({"type": "bye"})
	_state = State.CLOSING if was_open else State.OFF
	_deadline = now + FAREWELL_USEC


func _step(now: int) -> void:
	match _state:
		State.WAITING:
			if now >= _deadline:
				_connect(now)
		State.CONNECTING:
			_peer.poll()
			if _peer.get_ready_state() == WebSocketPeer.STATE_OPEN:
				_peer.set_no_delay(true)
				_state = State.GREETING
				_deadline = now + PATIENCE_USEC
				var hello := _talk.hello()
				if hello:
					_count_sent(hello)
			elif _peer.get_ready_state() == WebSocketPeer.STATE_CLOSED:
				_lost(now)
			elif now > _deadline:
				_give_up(now, "no answer in 10 s")
		State.GREETING:
			_receive(now)
			if _state == State.GREETING and _talk.is_refused():
				_give_up(now, "")
			elif _state == State.GREETING and now > _deadline:
				_give_up(now, "no welcome in 10 s")
		State.OPEN:
			_talk.tick(now)
			_flush()
			_receive(now)
		State.CLOSING:
			_flush()
			_receive(now)
			if now > _deadline:
				_state = State.OFF


func _connect(now: int) -> void:
	_peer = WebSocketPeer.new()
	_peer.supported_protocols = PackedStringArray([GenlockWire.SUBPROTOCOL])
	_peer.inbound_buffer_size = 2 * GenlockWire.LARGE_MESSAGE_BYTES
	_peer.outbound_buffer_size = 4 * GenlockWire.LARGE_MESSAGE_BYTES
	_peer.max_queued_packets = 8192
	_peer.heartbeat_interval = HEARTBEAT_S
	_is_full = false
	_state = State.CONNECTING
	_deadline = now + PATIENCE_USEC
	_active_until = now + PATIENCE_USEC
	var is_address := _url.begins_with("ws://") or _url.begins_with("wss://")
	if not is_address or _peer.connect_to_url(_url, _tls):
		_tell(
			"failed", {"code": "url", "message": "'%s' is no address of a daemon, such as ws://127.0.0.1:8765" % _url}
		)
		_tell("over", {})
		_state = State.OFF


func _flush() -> void:
	var buffered := _peer.get_current_outbound_buffered_amount()
	if _is_full and buffered < FULL_BYTES / 2.0:
		_is_full = false
	elif not _is_full and buffered > FULL_BYTES:
		_is_full = true
		_tell(
			"failed",
			{
				"code": "peer_full",
				"message": "The network is slower than what is sent: frames are left out until it has caught up.",
			}
		)
	while _talk.outgoing and buffered + _talk.outgoing[0].size() < _peer.outbound_buffer_size:
		if _peer.send(_talk.outgoing[0], WebSocketPeer.WRITE_MODE_BINARY):
			break
		buffered = _peer.get_current_outbound_buffered_amount()
		_bytes_sent += _talk.outgoing.pop_front().size()


func _receive(now: int) -> void:
	_peer.poll()
	while _peer.get_available_packet_count() > 0:
		var bytes := _peer.get_packet()
		_bytes_received += bytes.size()
		if _peer.was_string_packet():
			continue
		var was_welcomed := _talk.welcomed
		_talk.hear(bytes, now)
		if _talk.welcomed and not was_welcomed:
			_state = State.OPEN
			_attempts = 0
			_told_unreachable = false
	if _peer.get_ready_state() == WebSocketPeer.STATE_CLOSED:
		_lost(now)


func _count_sent(bytes: PackedByteArray) -> void:
	_peer.send(bytes, WebSocketPeer.WRITE_MODE_BINARY)
	_bytes_sent += bytes.size()


func _give_up(now: int, reason: String) -> void:
	_peer = null
	_after(_talk.closed(-1, reason), now)


func _lost(now: int) -> void:
	var verdict := _talk.closed(_peer.get_close_code(), _peer.get_close_reason())
	if _state == State.CLOSING:
		_state = State.OFF
		return
	_after(verdict, now)


func _after(verdict: Dictionary, now: int) -> void:
	var code: String = verdict["code"]
	var message: String = verdict["message"]
	if code == "unreachable":
		message = _why_unreachable(message)
	if code and not (code == "unreachable" and _told_unreachable):
		_tell("failed", {"code": code, "message": message})
	_told_unreachable = code == "unreachable"
	if not verdict["again"]:
		_state = State.OFF
		_tell("over", {})
		return
	var pause := minf(BACKOFF_MS[0] * pow(2.0, _attempts), BACKOFF_MS[1]) * randf_range(0.5, 1.5)
	var pause_ms := maxi(int(pause), verdict["wait_ms"] as int)
	_attempts += 1
	_state = State.WAITING
	_deadline = now + 1000 * pause_ms
	_tell("reconnecting", {"attempt": _attempts, "wait_s": pause_ms / 1000.0, "message": message})


func _why_unreachable(detail: String) -> String:
	if _state == State.GREETING:
		return "%s answers, but did not welcome this client: %s" % [_url, detail]
	var words := "No Genlock daemon answers at %s. Start one with: genlock serve" % _url
	if _url.begins_with("wss:"):
		words += " Over wss its certificate must be known: genlock/connection/certificate in the project settings."
	return words


func _tell(what: String, content: Dictionary) -> void:
	content["what"] = what
	_talk.news.append(content)


func _publish(now: int) -> void:
	if _talk.news:
		_mutex.lock()
		for item: Variant in _talk.news:
			if _news.size() > NEWS_KEPT and item is GenlockAnswer and _news[-1] is GenlockAnswer:
				_news[-1] = item
			else:
				_news.append(item)
		_has_news = true
		_mutex.unlock()
		_talk.news.clear()
	if now < _statistics_at and _state != State.OFF:
		return
	_statistics_at = now + 200_000
	var sorted := _talk.round_trips.duplicate()
	sorted.sort()
	var latest := {
		"state": _state,
		"frames_sent": _talk.frames_sent,
		"frames_answered": _talk.frames_answered,
		"frames_overtaken": _talk.frames_overtaken,
		"frames_dropped": _frames_dropped,
		"actions": _talk.actions_received,
		"bytes_sent": _bytes_sent,
		"bytes_received": _bytes_received,
		"round_trip_p50_usec": _percentile(sorted, 0.5),
		"round_trip_p99_usec": _percentile(sorted, 0.99),
	}
	_mutex.lock()
	_statistics = latest
	_mutex.unlock()


static func _percentile(sorted: PackedInt32Array, share: float) -> int:
	return sorted[int(share * (sorted.size() - 1))] if sorted else 0
