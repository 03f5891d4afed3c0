using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Threading.Tasks;

namespace Genlock
{
    /// <summary>
    /// A headset's session with a daemon. It belongs to one thread: all members are called there, and all events are raised
    /// there, by <see cref="Pump"/>, in the order in which the daemon sent them; the end of a connection comes after everything
    /// that came over it. A connection that drops is opened again with growing pauses, the session resumed, and what was not
    /// answered sent again.
    /// </summary>
    public sealed class GenlockSession : IDisposable
    {
        private const long HelloLimit = 10000000;
        private const long SilenceLimit = 10000000;
        private const long SendFailedLimit = 1000000;
        private const long ByeLimit = 2000000;
        private const long FloodingPause = 500000;
        private const int Stamps = 256;
        private static readonly string LongestResume = new string('-', 128);
        private static readonly TimeSpan ByeDrain = TimeSpan.FromMilliseconds(200);

        private readonly SessionOptions _options;
        private readonly IConnector _connector;
        private readonly Func<long> _now;
        private readonly Backoff _backoff;
        private readonly MsgPackWriter _writer = new MsgPackWriter();
        private readonly HandlerList<Answer> _answered = new HandlerList<Answer>();
        private readonly DaemonDecoder _decoder = new DaemonDecoder();
        private readonly Outbox _outbox = new Outbox();
        private readonly SceneMirror _scene = new SceneMirror();
        private readonly string _idPrefix;
        private readonly long[] _stampQ = new long[Stamps];
        private readonly long[] _stampTicks = new long[Stamps];

        private Link _link;
        private string _resume;
        private long _largestN = -1;
        private GenlockAction _started;
        private long _lastUsedQ = -1;
        private long _q;
        private long _t = -1;
        private long _ids;
        private long _since;
        private long _lastHeard;
        private long _sendFailedAt = -1;
        private long _framesUnanswered;
        private long _retryMs;
        private long _dueAt;
        private bool _engineLost;
        private bool _byeSent;
        private bool _disposed;
        private TaskCompletionSource<bool> _closed;

        /// <summary>A session that is not begun yet.</summary>
        /// <exception cref="GenlockException">An option cannot be, or they are too long for a hello.</exception>
        public GenlockSession(SessionOptions options)
            : this(options, new Connector(options.CertificateValidation), Microseconds, new Random())
        {
        }

        internal GenlockSession(SessionOptions options, IConnector connector, Func<long> now, Random random)
        {
            Check(options);
            _options = options;
            _connector = connector;
            _now = now;
            _backoff = new Backoff(random);
            _idPrefix = Guid.NewGuid().ToString("N").Substring(0, 8) + "-";
            LayHello(LongestResume);
            CheckSize(Protocol.MaxMessageBytes, "hello, with the app's actions and pictures,");
        }

        /// <summary>The session went from one state to another.</summary>
        public event Action<SessionState> StateChanged;

        /// <summary>The session began or goes on.</summary>
        public event Action<Welcome> Welcomed;

        /// <summary>An answer that is newer than all before. The object is filled again for the next.</summary>
        public event Action<Answer> Answered
        {
            add { _answered.Add(value); }
            remove { _answered.Remove(value); }
        }

        /// <summary>An action, each once.</summary>
        public event Action<GenlockAction> ActionReceived;

        /// <summary>The daemon refused a message.</summary>
        public event Action<DaemonError> ErrorReceived;

        /// <summary>The daemon lets something be known.</summary>
        public event Action<Notice> NoticeReceived;

        /// <summary>What was heard so far.</summary>
        public event Action<Transcript> Transcribed;

        /// <summary>A connection ended, after everything that came over it, or an attempt to open one failed.</summary>
        public event Action<Closing> Closed;

        /// <summary>A handler of another event threw. Neither that event's other handlers nor the messages after it are held up.</summary>
        public event Action<Exception> HandlerFailed;

        /// <summary>The daemon refused a scene, which is as it was before; with the id of the target that it was about, or empty.</summary>
        internal event Action<string> SceneRefused;

        /// <summary>Where it is.</summary>
        public SessionState State { get; private set; }

        /// <summary>The last welcome; null before the first.</summary>
        public Welcome Welcome { get; private set; }

        /// <summary>How many messages with an id are not answered yet.</summary>
        public int Unanswered
        {
            get { return _outbox.Count; }
        }

        /// <summary>How many frames were given to a connection.</summary>
        public long FramesSent { get; private set; }

        /// <summary>How many answers came.</summary>
        public long AnswersReceived { get; private set; }

        /// <summary>Bytes of messages that came.</summary>
        public long BytesReceived { get; private set; }

        /// <summary>Bytes of messages that were laid for sending.</summary>
        public long BytesSent { get; private set; }

        /// <summary>How often a connection was opened again after a welcome.</summary>
        public int Reconnects { get; private set; }

        /// <summary>From sending the last answered frame to its answer's arrival, milliseconds; -1 before the first.</summary>
        public double RoundTripMs { get; private set; } = -1.0;

        /// <summary>The device's monotonic clock, microseconds: the clock of all times in a session.</summary>
        public static long Microseconds()
        {
            return (long)(Stopwatch.GetTimestamp() * (1e6 / Stopwatch.Frequency));
        }

        /// <summary>Begins to connect; <see cref="Pump"/> does the rest.</summary>
        public void Connect()
        {
            if (State != SessionState.Idle)
            {
                throw new InvalidOperationException("a session is begun once; make another");
            }
            Open();
        }

        /// <summary>Connects again at once where it would wait.</summary>
        public void ConnectNow()
        {
            if (State == SessionState.Waiting)
            {
                _dueAt = 0;
            }
        }

        /// <summary>Raises the events of what came in, and does what is due. To be called once a frame.</summary>
        public void Pump()
        {
            Packet packet;
            while (_link != null && _link.TryTake(out packet))
            {
                var link = _link;
                Take(packet);
                link.Recycle(packet);
            }
            Tick();
            SendParcels();
        }

        /// <summary>
        /// Sends a frame now. It is not queued where there is no connection, and replaces one that still waits to be sent.
        /// </summary>
        /// <param name="frame">Is copied.</param>
        /// <param name="time">When its poses are true, by <see cref="Microseconds"/>.</param>
        /// <returns>The frame's number; -1 if there is no connection.</returns>
        public long SendFrame(TrackingFrame frame, long time)
        {
            if (State != SessionState.Connected || _byeSent)
            {
                return -1;
            }
            _q++;
            _t = Math.Max(time, _t + 1);
            ClientEncoder.Frame(_writer, _q, _t, frame);
            _stampQ[_q % Stamps] = _q;
            _stampTicks[_q % Stamps] = Stopwatch.GetTimestamp();
            SendWritten(true);
            FramesSent++;
            _framesUnanswered++;
            return _q;
        }

        /// <summary>Sends the whole scene, which may be done before <see cref="Connect"/> too.</summary>
        /// <returns>Done when the daemon has it.</returns>
        /// <exception cref="GenlockException">
        /// At once: more than 64 targets, an id that is there twice, one that no daemon would take, or too long in all. In the task:
        /// the daemon refused it, and the scene is as it was before.
        /// </exception>
        public Task SetSceneAsync(IList<Target> targets)
        {
            CheckOpen();
            ClientEncoder.Scene(_writer, NextId(), targets, true, new string[0]);
            return PostScene(new SceneEdit(targets, new string[0], true));
        }

        /// <summary>Changes, adds and removes some targets. One that is changed is given whole.</summary>
        /// <returns>Done when the daemon has it.</returns>
        /// <exception cref="GenlockException">As of <see cref="SetSceneAsync"/>.</exception>
        public Task UpdateSceneAsync(IList<Target> changed, IList<string> removed)
        {
            CheckOpen();
            ClientEncoder.Scene(_writer, NextId(), changed, false, removed);
            return PostScene(new SceneEdit(changed, removed, false));
        }

        /// <summary>Says what the user said. Its actions come by <see cref="ActionReceived"/> too.</summary>
        /// <param name="text">Up to 2000 characters.</param>
        /// <param name="time">When it was said, by <see cref="Microseconds"/>; -1: now.</param>
        /// <param name="language">BCP 47 tag; empty: not known.</param>
        /// <returns>What came of it.</returns>
        /// <exception cref="GenlockException">In the task: the daemon refused it, or the session ended before.</exception>
        public async Task<Understood> SayAsync(string text, long time = -1, string language = "")
        {
            CheckOpen();
            var id = NextId();
            ClientEncoder.Utterance(_writer, id, text, Time(time), language);
            CheckSize(Protocol.MaxMessageBytes, "utterance");
            var reply = await Post(null);
            return new Understood { Id = id, Actions = reply.Actions, Notices = reply.Notices };
        }

        /// <summary>Teaches words for an action: at once, and for this user only.</summary>
        /// <param name="action">The action's name.</param>
        /// <param name="phrase">The words; targets and arguments may be named in them.</param>
        /// <param name="target">The id of the one target that they always mean; empty: none.</param>
        /// <returns>The id, for taking it back by <see cref="Feedback.Of"/>; done when it is written down.</returns>
        public Task<string> TeachPhraseAsync(string action, string phrase, string target = "")
        {
            return TeachAsync(new Teach { Kind = TeachKind.Phrase, Name = action, Phrase = phrase, Target = target });
        }

        /// <summary>Teaches another name of a target.</summary>
        /// <returns>As of <see cref="TeachPhraseAsync"/>.</returns>
        public Task<string> TeachNameAsync(string target, string name)
        {
            return TeachAsync(new Teach { Kind = TeachKind.Name, Name = name, Target = target });
        }

        /// <summary>Teaches a gesture from one to five examples (<see cref="GestureRecorder"/> makes them).</summary>
        /// <returns>As of <see cref="TeachPhraseAsync"/>.</returns>
        public Task<string> TeachGestureAsync(string name, GestureDevice device, IList<byte[]> examples)
        {
            return TeachAsync(
                new Teach { Kind = TeachKind.Gesture, Name = name, Device = device, Examples = examples });
        }

        /// <summary>Teaches what a thing looks like, for this user in all apps.</summary>
        /// <param name="name">What it is called.</param>
        /// <param name="examples">1 to 16 JPEG or PNG files of it, 1 MiB in all.</param>
        /// <returns>As of <see cref="TeachPhraseAsync"/>.</returns>
        public Task<string> TeachObjectAsync(string name, IList<byte[]> examples)
        {
            return TeachAsync(new Teach { Kind = TeachKind.Object, Name = name, Examples = examples });
        }

        /// <summary>Says what the user really meant.</summary>
        /// <returns>The id; done when it is learned.</returns>
        public async Task<string> SendFeedbackAsync(Feedback feedback, long time = -1)
        {
            CheckOpen();
            var id = NextId();
            ClientEncoder.Feedback(_writer, id, feedback, Time(time));
            CheckSize(Protocol.MaxMessageBytes, "feedback");
            await Post(null);
            return id;
        }

        /// <summary>Does with what was learned what the user wants.</summary>
        /// <param name="operation">What.</param>
        /// <param name="kind">With what part, of a reset or an import.</param>
        /// <param name="data">Of an import: what an export gave.</param>
        /// <returns>Of an export: what was learned; else empty.</returns>
        public async Task<byte[]> ProfileAsync(
            ProfileOperation operation, ProfileKind kind = ProfileKind.All, byte[] data = null)
        {
            CheckOpen();
            ClientEncoder.Profile(_writer, NextId(), operation, kind, data);
            CheckSize(Protocol.MaxLargeMessageBytes, "profile");
            var reply = await Post(null);
            return reply.Ack == null || reply.Ack.Data == null ? new byte[0] : reply.Ack.Data;
        }

        /// <summary>Sends sound: signed 16 bit little-endian, mono, 16 kHz, up to 6400 bytes. It is lost where there is no connection.</summary>
        /// <returns>Whether there is a connection.</returns>
        /// <exception cref="ArgumentException">More than 6400 bytes, or half a sample.</exception>
        public bool SendAudio(long time, byte[] pcm, int offset, int count, bool end)
        {
            if (count > Protocol.MaxAudioBytes || count % 2 != 0)
            {
                throw new ArgumentException("up to " + Protocol.MaxAudioBytes + " bytes, an even number of them", "count");
            }
            if (State != SessionState.Connected || _byeSent)
            {
                return false;
            }
            ClientEncoder.Audio(_writer, time, pcm, offset, count, end);
            SendWritten(false);
            return true;
        }

        /// <summary>Sends a picture. It is lost where there is no connection.</summary>
        /// <returns>Whether there is a connection.</returns>
        /// <exception cref="GenlockException">It is too long.</exception>
        public bool SendImage(long time, ImageFormat format, int width, int height, byte[] data)
        {
            ClientEncoder.Image(_writer, time, format, width, height, data);
            CheckSize(Protocol.MaxLargeMessageBytes, "image");
            if (State != SessionState.Connected || _byeSent)
            {
                return false;
            }
            SendWritten(false);
            return true;
        }

        /// <summary>Ends the session by a bye. Goes on being pumped until it is done.</summary>
        /// <returns>Done when the daemon has closed, or after 2 s without it.</returns>
        public Task CloseAsync(string reason = "")
        {
            if (_closed != null)
            {
                return _closed.Task;
            }
            _closed = new TaskCompletionSource<bool>();
            var closed = _closed.Task;
            if (State == SessionState.Connected)
            {
                ClientEncoder.Bye(_writer, reason);
                SendWritten(false);
                _byeSent = true;
                _since = _now();
            }
            else
            {
                End();
            }
            return closed;
        }

        /// <summary>
        /// Ends it now: a bye if there is a connection, and no thread, task or socket stays. Blocks for half a second at most.
        /// Events of what has not been pumped are not raised.
        /// </summary>
        public void Dispose()
        {
            if (_disposed)
            {
                return;
            }
            _disposed = true;
            if (State == SessionState.Connected && !_byeSent)
            {
                ClientEncoder.Bye(_writer, "");
                SendWritten(false);
                _link.Dispose(ByeDrain);
            }
            End();
        }

        /// <summary>The version that the hello says, for tests of what a daemon refuses.</summary>
        internal string VersionSaid { get; set; } = Protocol.Version;

        /// <summary>Sends bytes as they are, for tests of what a daemon refuses.</summary>
        internal void SendRaw(byte[] bytes)
        {
            _link.Send(bytes, bytes.Length, false);
        }

        /// <summary>Breaks the connection as a network would.</summary>
        internal void Drop()
        {
            if (_link != null)
            {
                _link.Abort();
            }
        }

        private static void Check(SessionOptions options)
        {
            if (options.Url == null || (options.Url.Scheme != "ws" && options.Url.Scheme != "wss"))
            {
                throw new GenlockException(ErrorCodes.Invalid, "the daemon's address must be ws://... or wss://...", "url");
            }
            if (string.IsNullOrEmpty(options.User) || options.User.Length > 128)
            {
                throw new GenlockException(ErrorCodes.Invalid, "a user's name must have 1 to 128 characters", "user");
            }
            if (string.IsNullOrEmpty(options.App.Name) || options.App.Name.Length > 128)
            {
                throw new GenlockException(ErrorCodes.Invalid, "the app's name must have 1 to 128 characters", "app.name");
            }
            if (options.HorizonsMs.Count > Protocol.MaxHorizons)
            {
                throw new GenlockException(
                    ErrorCodes.Invalid, "up to " + Protocol.MaxHorizons + " horizons can be forecast", "horizons_ms");
            }
        }

        private void CheckOpen()
        {
            if (State == SessionState.Ended || _byeSent || _disposed)
            {
                throw new GenlockException(ErrorCodes.Closed, "the session has ended; begin another");
            }
        }

        private void CheckSize(int limit, string type)
        {
            if (_writer.Length > limit)
            {
                throw new GenlockException(
                    ErrorCodes.TooBig,
                    "this " + type + " has " + _writer.Length + " bytes; a daemon takes up to " + limit + ". Send less at once.");
            }
        }

        private async Task<string> TeachAsync(Teach teach)
        {
            CheckOpen();
            var id = NextId();
            ClientEncoder.Teach(_writer, id, teach);
            CheckSize(Protocol.MaxLargeMessageBytes, "teach");
            await Post(null);
            return id;
        }

        private string NextId()
        {
            _ids++;
            return _idPrefix + _ids.ToString(CultureInfo.InvariantCulture);
        }

        private long Time(long time)
        {
            return time < 0 ? _now() : time;
        }

        private Task PostScene(SceneEdit edit)
        {
            CheckSize(Protocol.MaxMessageBytes, "scene");
            _scene.Check(edit);
            var posted = Post(edit);
            _scene.Begin(edit);
            return posted;
        }

        /// <summary>Keeps what was written, with the last id, until it is answered.</summary>
        private Task<Reply> Post(SceneEdit edit)
        {
            var parcel = new Parcel
            {
                Id = _idPrefix + _ids.ToString(CultureInfo.InvariantCulture), Bytes = _writer.ToArray(), Edit = edit,
            };
            _outbox.Add(parcel);
            SendParcels();
            return parcel.Answered.Task;
        }

        private void SendParcels()
        {
            if (State != SessionState.Connected || _byeSent)
            {
                return;
            }
            for (var parcel = _outbox.NextDue(_now()); parcel != null; parcel = _outbox.NextDue(_now()))
            {
                BytesSent += parcel.Bytes.Length;
                _link.Send(parcel.Bytes, parcel.Bytes.Length, false);
            }
        }

        private void SendWritten(bool isFrame)
        {
            BytesSent += _writer.Length;
            _link.Send(_writer.Bytes, _writer.Length, isFrame);
        }

        private void Open()
        {
            _since = _now();
            _sendFailedAt = -1;
            _retryMs = 0;
            _link = new Link(_connector, _options.Url);
            SetState(SessionState.Connecting);
            if (_link != null)
            {
                _link.Start();
            }
        }

        private void Take(Packet packet)
        {
            _lastHeard = _now();
            switch (packet.Kind)
            {
                case PacketKind.Opened:
                    SayHello();
                    break;
                case PacketKind.Closed:
                    TakeClose(packet.Code, packet.Reason);
                    break;
                default:
                    TakeMessage(packet);
                    break;
            }
        }

        private void SayHello()
        {
            LayHello(_resume);
            SendWritten(false);
        }

        private void LayHello(string resume)
        {
            var streams = new List<string> { "frame" };
            if (_options.Images)
            {
                streams.Add("image");
            }
            if (_options.Audio)
            {
                streams.Add("audio");
            }
            ClientEncoder.Hello(
                _writer,
                new Hello
                {
                    Version = VersionSaid,
                    App = _options.App,
                    User = _options.User,
                    Token = _options.Token,
                    Device = _options.Device,
                    RefreshHz = _options.RefreshHz,
                    Streams = streams,
                    HorizonsMs = _options.HorizonsMs,
                    Resume = resume,
                    LastN = resume == null ? -1 : _largestN,
                });
        }

        private void TakeMessage(Packet packet)
        {
            BytesReceived += packet.Length;
            DaemonMessage type;
            try
            {
                type = _decoder.Read(packet.Bytes, 0, packet.Length);
            }
            catch (MsgPackException problem)
            {
                Raise(
                    ErrorReceived,
                    new DaemonError
                    {
                        Code = ErrorCodes.NotMsgPack,
                        Message = "a message of the daemon could not be read: " + problem.Message,
                    });
                return;
            }
            switch (type)
            {
                case DaemonMessage.Actions:
                    TakeAnswer(_decoder.Answer, packet.Ticks);
                    break;
                case DaemonMessage.Welcome:
                    TakeWelcome(_decoder.Welcome);
                    break;
                case DaemonMessage.Ack:
                    TakeAck(_decoder.Ack);
                    break;
                case DaemonMessage.Error:
                    TakeError(_decoder.Error);
                    break;
                case DaemonMessage.Notice:
                    TakeNotice(_decoder.Notice);
                    break;
                case DaemonMessage.Transcript:
                    Raise(Transcribed, _decoder.Transcript);
                    break;
            }
        }

        private void TakeAnswer(Answer answer, long ticks)
        {
            foreach (var action in answer.Actions)
            {
                if (action.Number <= _largestN)
                {
                    continue;
                }
                _largestN = action.Number;
                var parcel = _outbox.Find(action.Of);
                if (parcel != null)
                {
                    parcel.Reply.Actions.Add(action);
                }
                if (action.Source == "utterance" || action.Source == "speech")
                {
                    _started = action.Phase == ActionPhase.Started ? action : null;
                }
                Raise(ActionReceived, action);
            }
            if (answer.Q < 0)
            {
                return;
            }
            AnswersReceived++;
            _framesUnanswered = 0;
            if (_stampQ[answer.Q % Stamps] == answer.Q)
            {
                RoundTripMs = (ticks - _stampTicks[answer.Q % Stamps]) * 1000.0 / Stopwatch.Frequency;
            }
            if (answer.Q <= _lastUsedQ)
            {
                return;
            }
            _lastUsedQ = answer.Q;
            answer.TargetId = _scene.IdOf(answer.Scene, answer.TargetIndex);
            if (State != SessionState.Ended)
            {
                CallEach(_answered.Each, answer);
            }
        }

        private void TakeWelcome(Welcome welcome)
        {
            if (Welcome != null)
            {
                Reconnects++;
            }
            Welcome = welcome;
            _resume = welcome.Resume;
            _q = Math.Max(_q, welcome.LastQ);
            _backoff.Reset();
            _engineLost = false;
            _framesUnanswered = 0;
            _outbox.SendAgain();
            if (!welcome.Resumed)
            {
                _largestN = -1;
            }
            if (!welcome.Resumed || welcome.Restored)
            {
                SceneAnew();
                SettleDone();
                CancelStarted();
            }
            SetState(SessionState.Connected);
            Raise(Welcomed, welcome);
        }

        /// <summary>The daemon has no scene: one whole scene stands for those that wait, before all else.</summary>
        private void SceneAnew()
        {
            var waiting = _outbox.TakeScenes();
            if (!_scene.WasSet)
            {
                return;
            }
            var id = NextId();
            ClientEncoder.Scene(_writer, id, _scene.Targets, true, new string[0]);
            var whole = new Parcel { Id = id, Bytes = _writer.ToArray(), Edit = _scene.Anew() };
            _outbox.AddFirst(whole);
            foreach (var parcel in waiting)
            {
                PassOn(whole.Answered.Task, parcel.Answered);
            }
        }

        /// <summary>
        /// What was performed already is not sent to a daemon that does not know of it, where it would be performed again.
        /// </summary>
        private void SettleDone()
        {
            foreach (var parcel in _outbox.TakeDone())
            {
                parcel.Answered.TrySetResult(parcel.Reply);
            }
        }

        /// <summary>An action that waited for more does so no longer: the daemon that waited with it is gone.</summary>
        private void CancelStarted()
        {
            if (_started != null)
            {
                var canceled = _started.Canceled();
                _started = null;
                Raise(ActionReceived, canceled);
            }
        }

        private static void PassOn(Task<Reply> from, TaskCompletionSource<Reply> to)
        {
            from.ContinueWith(
                done =>
                {
                    if (done.IsFaulted)
                    {
                        Refuse(to, done.Exception.InnerException);
                    }
                    else
                    {
                        to.TrySetResult(done.Result);
                    }
                },
                TaskContinuationOptions.ExecuteSynchronously);
        }

        private void TakeAck(Ack ack)
        {
            var parcel = _outbox.Find(ack.Id);
            if (parcel == null)
            {
                return;
            }
            _outbox.Remove(parcel);
            if (parcel.Edit != null)
            {
                _scene.Accept(parcel.Edit, ack.Scene);
            }
            parcel.Reply.Ack = ack;
            parcel.Answered.TrySetResult(parcel.Reply);
        }

        private void TakeError(DaemonError error)
        {
            var parcel = _outbox.Find(error.Id);
            if (parcel != null && error.Code == ErrorCodes.Flooding)
            {
                parcel.IsSent = false;
                parcel.DueAt = _now() + FloodingPause;
                return;
            }
            if (parcel != null)
            {
                _outbox.Remove(parcel);
                if (parcel.Edit != null)
                {
                    _scene.Refuse(parcel.Edit);
                    Raise(SceneRefused, parcel.Edit.IdAt(error.Key));
                }
                Refuse(parcel.Answered, new GenlockException(error.Code, error.Message, error.Key));
            }
            Raise(ErrorReceived, error);
            if (State == SessionState.Connecting && IsForGood(error.Code))
            {
                EndRefused(error);
            }
        }

        /// <summary>
        /// Whether what was said before a welcome is said of the same hello each time, though the connection stays open. After others
        /// the daemon closes, and the close code says what then; a code that is newer than this package says nothing.
        /// </summary>
        private static bool IsForGood(string code)
        {
            return code == ErrorCodes.Invalid || code == ErrorCodes.TooBig;
        }

        private void EndRefused(DaemonError error)
        {
            var closing = new Closing
            {
                Code = CloseCodes.HelloRefused, Reason = error.Message, Advice = CloseCodes.Advice(CloseCodes.HelloRefused),
            };
            Raise(Closed, closing);
            End(closing);
        }

        private void TakeNotice(Notice notice)
        {
            switch (notice.Code)
            {
                case NoticeCodes.EngineLost:
                    _engineLost = true;
                    break;
                case NoticeCodes.EngineBack:
                    _engineLost = false;
                    _framesUnanswered = 0;
                    break;
                case NoticeCodes.Draining:
                    _retryMs = notice.RetryMs;
                    break;
            }
            var parcel = _outbox.Find(notice.Id);
            if (parcel != null)
            {
                parcel.Reply.Notices.Add(notice);
            }
            Raise(NoticeReceived, notice);
        }

        private void TakeClose(int code, string reason)
        {
            _link = null;
            var again = CloseCodes.MayTryAgain(code) && _closed == null && !_disposed;
            var closing = new Closing
            {
                Code = code, Reason = reason, Advice = CloseCodes.Advice(_closed != null ? CloseCodes.Normal : code),
                TriesAgain = again,
            };
            if (again)
            {
                var pause = _backoff.Next(Math.Max(_retryMs, CloseCodes.ShortestPauseMs(code)));
                _dueAt = _now() + pause;
                closing.RetryMs = pause / 1000.0;
                SetState(SessionState.Waiting);
                Raise(Closed, closing);
                return;
            }
            Raise(Closed, closing);
            End(closing);
        }

        private void Tick()
        {
            var now = _now();
            switch (State)
            {
                case SessionState.Waiting:
                    if (now >= _dueAt)
                    {
                        Open();
                    }
                    break;
                case SessionState.Connecting:
                    if (now - _since > HelloLimit)
                    {
                        GiveUp();
                    }
                    break;
                case SessionState.Connected:
                    if (_byeSent ? now - _since > ByeLimit : IsDead(now))
                    {
                        GiveUp();
                    }
                    break;
            }
        }

        /// <summary>
        /// Whether frames have gone out for long and nothing at all has come: the network is gone though nobody said so.
        /// </summary>
        private bool IsDead(long now)
        {
            if (_link.SendFailed && _sendFailedAt < 0)
            {
                _sendFailedAt = now;
            }
            if (_sendFailedAt >= 0 && now - _sendFailedAt > SendFailedLimit)
            {
                return true;
            }
            return !_engineLost && _framesUnanswered > _options.RefreshHz && now - _lastHeard > SilenceLimit;
        }

        private void GiveUp()
        {
            _since = _now();
            _sendFailedAt = -1;
            _lastHeard = _since;
            _link.Abort();
        }

        private void End(Closing closing = null)
        {
            if (_link != null)
            {
                _link.Dispose();
                _link = null;
            }
            SetState(SessionState.Ended);
            var words = closing == null ? "the session was ended" : closing.Reason + ". " + closing.Advice;
            foreach (var parcel in _outbox.TakeAll())
            {
                Refuse(parcel.Answered, new GenlockException(ErrorCodes.Closed, "not answered: " + words));
            }
            if (_closed != null)
            {
                _closed.TrySetResult(true);
            }
        }

        /// <summary>An end is for good, also where a handler ended it in the midst of something.</summary>
        private void SetState(SessionState state)
        {
            if (State != state && State != SessionState.Ended)
            {
                State = state;
                Call(StateChanged, state);
            }
        }

        /// <summary>An exception that nobody awaits is nobody's fault: the event says it too.</summary>
        private static void Refuse(TaskCompletionSource<Reply> answered, Exception why)
        {
            answered.TrySetException(why);
            GC.KeepAlive(answered.Task.Exception);
        }

        private void Raise<T>(Action<T> handlers, T value)
        {
            if (State != SessionState.Ended)
            {
                Call(handlers, value);
            }
        }

        private void Call<T>(Action<T> handlers, T value)
        {
            if (handlers != null)
            {
                CallEach(handlers.GetInvocationList(), value);
            }
        }

        private void CallEach<T>(Delegate[] handlers, T value)
        {
            foreach (Action<T> handler in handlers)
            {
                try
                {
                    handler(value);
                }
                catch (Exception problem)
                {
                    var failed = HandlerFailed;
                    if (failed != null)
                    {
                        failed(problem);
                    }
                }
            }
        }
    }
}
