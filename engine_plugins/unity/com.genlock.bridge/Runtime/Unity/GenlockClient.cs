using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using UnityEngine;
using UnityEngine.Events;

namespace Genlock
{
    /// <summary>
    /// The connection with the Genlock daemon. Put it on the XR Origin. It sends what is tracked at the display's rate, keeps the
    /// daemon's picture of the scene right, and raises what the daemon says on the main thread, in order, before the Update of
    /// other scripts.
    /// </summary>
    [AddComponentMenu("Genlock/Genlock Client")]
    [DisallowMultipleComponent]
    [DefaultExecutionOrder(-1000)]
    public sealed class GenlockClient : MonoBehaviour
    {
        /// <summary>The current target stays so while the most probable one has this share of the threshold.</summary>
        private const float Release = 0.7f;

        /// <summary>The same mistake in frames, sound and pictures is not logged again for so long.</summary>
        private const float RepeatSeconds = 5f;

        [Header("Daemon")]
        [Tooltip("ws://host:8765, or wss://host:8765 where the daemon has a certificate.")]
        [SerializeField] private string url = "ws://127.0.0.1:8765";

        [Tooltip("What the daemon was started with (genlock serve --token). Better set from a script than kept in a scene.")]
        [SerializeField] private string token = "";

        [Tooltip("Who wears the headset; what is learned belongs to this name. Empty: this device's own.")]
        [SerializeField] private string user = "";

        [Tooltip("Connect when this is enabled. Otherwise call Connect.")]
        [SerializeField] private bool connectOnEnable = true;

        [Header("App")]
        [Tooltip("What the app can do.")]
        [SerializeField] private GenlockActions actions;

        [Header("Tracking")]
        [Tooltip("The space that poses are in: the XR Origin's Camera Offset, or the parent of the camera. Empty: found.")]
        [SerializeField] private Transform trackingSpace;

        [Tooltip("The user's head. Empty: the main camera.")]
        [SerializeField] private Transform head;

        [Tooltip("How far ahead poses are forecast, milliseconds; up to 8. Empty: no forecast.")]
        [SerializeField] private List<float> horizonsMs = new List<float> { 50f, 100f };

        [Tooltip("Frames a second; 0: the display's rate, or 90 without a headset.")]
        [Range(0f, 240f)]
        [SerializeField] private float framesPerSecond;

        [Header("Targets")]
        [Tooltip("How probable a target must be to become the current one; it stays so down to 0.7 of that.")]
        [Range(0f, 1f)]
        [SerializeField] private float targetThreshold = 0.5f;

        [Header("Pictures")]
        [Tooltip("Whether SendImage will be called.")]
        [SerializeField] private bool sendsImages;

        [Header("Events")]
        [SerializeField] private UnityEvent onConnected = new UnityEvent();
        [SerializeField] private TextEvent onDisconnected = new TextEvent();
        [SerializeField] private ActionEvent onAction = new ActionEvent();
        [SerializeField] private TextEvent onAsk = new TextEvent();
        [SerializeField] private TextEvent onError = new TextEvent();
        [SerializeField] private TargetEvent onTargetChanged = new TargetEvent();
        [SerializeField] private TextEvent onTranscribed = new TextEvent();

        private readonly TrackingFrame _frame = new TrackingFrame();
        private readonly List<GenlockTrackingSource> _sources = new List<GenlockTrackingSource>();
        private readonly HashSet<GenlockTrackingSource> _failed = new HashSet<GenlockTrackingSource>();
        private readonly Dictionary<string, float> _logged = new Dictionary<string, float>();
        private readonly TargetBoard _board = new TargetBoard();
        private readonly HandlerList<Answer> _answered = new HandlerList<Answer>();
        private GenlockSession _session;
        private GenlockXRSource _added;
        private float _nextSources;
        private float _nextRig;
        private bool _isRigTold;
        private bool _isDisabling;

        /// <summary>Whether nobody set the tracking space: then it follows the head.</summary>
        private bool _isSpaceFound;
        private double _nextFrame;

        /// <summary>Frames a second where no headset's display paces them; 0: it does.</summary>
        private double _unpacedHz;

        /// <summary>The session began or goes on.</summary>
        public event Action<Welcome> Connected;

        /// <summary>
        /// A connection ended, or an attempt to connect failed, each time; the closing says why, what to do, and whether it connects
        /// again by itself.
        /// </summary>
        public event Action<Closing> Disconnected;

        /// <summary>An action, each once.</summary>
        public event Action<GenlockAction> ActionReceived;

        /// <summary>The answer to a frame. The object is filled again for the next.</summary>
        public event Action<Answer> Answered
        {
            add { _answered.Add(value); }
            remove { _answered.Remove(value); }
        }

        /// <summary>The daemon lets something be known.</summary>
        public event Action<Notice> NoticeReceived;

        /// <summary>The daemon refused a message.</summary>
        public event Action<DaemonError> ErrorReceived;

        /// <summary>What was heard so far.</summary>
        public event Action<Transcript> Transcribed;

        /// <summary><see cref="CurrentTarget"/> is another one, or none (null).</summary>
        public event Action<GenlockTarget> TargetChanged;

        /// <summary>The same for the inspector.</summary>
        public UnityEvent OnConnected
        {
            get { return onConnected; }
        }

        /// <summary>As <see cref="Disconnected"/>, with the reason and what to do about it.</summary>
        public TextEvent OnDisconnected
        {
            get { return onDisconnected; }
        }

        /// <summary>Each action once, in all phases.</summary>
        public ActionEvent OnAction
        {
            get { return onAction; }
        }

        /// <summary>What to tell the user: what is missing, was not understood, was called off, or was learned.</summary>
        public TextEvent OnAsk
        {
            get { return onAsk; }
        }

        /// <summary>What was wrong with a message.</summary>
        public TextEvent OnError
        {
            get { return onError; }
        }

        /// <summary>The current target; null where there is none.</summary>
        public TargetEvent OnTargetChanged
        {
            get { return onTargetChanged; }
        }

        /// <summary>The words that were heard so far; those of <see cref="Transcribed"/>.</summary>
        public TextEvent OnTranscribed
        {
            get { return onTranscribed; }
        }

        /// <summary>The daemon's address; takes effect with the next <see cref="Connect"/>.</summary>
        public string Url
        {
            get { return url; }
            set { url = value ?? ""; }
        }

        /// <summary>The daemon's secret; takes effect with the next <see cref="Connect"/>.</summary>
        public string Token
        {
            get { return token; }
            set { token = value ?? ""; }
        }

        /// <summary>Who wears the headset; takes effect with the next <see cref="Connect"/>.</summary>
        public string User
        {
            get { return user; }
            set { user = value ?? ""; }
        }

        /// <summary>Whether it connects when it is enabled.</summary>
        public bool ConnectOnEnable
        {
            get { return connectOnEnable; }
            set { connectOnEnable = value; }
        }

        /// <summary>What the app can do; takes effect with the next <see cref="Connect"/>.</summary>
        public GenlockActions Actions
        {
            get { return actions; }
            set { actions = value; }
        }

        /// <summary>The space that poses and targets are in.</summary>
        public Transform TrackingSpace
        {
            get
            {
                return trackingSpace;
            }

            set
            {
                trackingSpace = value;
                _isSpaceFound = false;
            }
        }

        /// <summary>The user's head.</summary>
        public Transform Head
        {
            get { return head; }
            set { head = value; }
        }

        /// <summary>How far ahead poses are forecast, milliseconds.</summary>
        public IList<float> HorizonsMs
        {
            get { return horizonsMs; }
        }

        /// <summary>How probable a target must be to become <see cref="CurrentTarget"/>, 0 to 1; takes effect at once.</summary>
        public float TargetThreshold
        {
            get { return targetThreshold; }
            set { targetThreshold = value; }
        }

        /// <summary>Whether <see cref="SendImage"/> will be called; takes effect with the next <see cref="Connect"/>.</summary>
        public bool SendsImages
        {
            get { return sendsImages; }
            set { sendsImages = value; }
        }

        /// <summary>The session; null before <see cref="Connect"/>.</summary>
        public GenlockSession Session
        {
            get { return _session; }
        }

        /// <summary>Where it is.</summary>
        public SessionState State
        {
            get { return _session == null ? SessionState.Idle : _session.State; }
        }

        /// <summary>
        /// What the user looks or points at: the most probable target, once it is as probable as <see cref="TargetThreshold"/>. It
        /// stays so until another is, or none is 0.7 times as probable. Null: none.
        /// </summary>
        public GenlockTarget CurrentTarget { get; private set; }

        /// <summary>A client in the open scenes, on an object that is active; null: none.</summary>
        public static GenlockClient Find()
        {
#if UNITY_2023_1_OR_NEWER
            return FindAnyObjectByType<GenlockClient>();
#else
            return FindObjectOfType<GenlockClient>();
#endif
        }

        /// <summary>Begins a session; one that there is ends.</summary>
        /// <exception cref="GenlockException">A setting cannot be; the words say which. Or the client is being disabled.</exception>
        public void Connect()
        {
            if (_isDisabling)
            {
                throw new GenlockException(ErrorCodes.Closed, "the GenlockClient is being disabled; connect once it is enabled again");
            }
            Disconnect();
            if (_session != null)
            {
                // What awaited the last one has connected already.
                return;
            }
            FindRig();
            var session = new GenlockSession(Options());
            _session = session;
            _failed.Clear();
            _logged.Clear();
            Listen(session);
            _board.Begin(session);
            session.Connect();
        }

        /// <summary>Ends the session. No thread and no socket stays.</summary>
        public void Disconnect()
        {
            if (_session == null)
            {
                return;
            }
            // What awaits the session goes on while it is disposed, and may connect again.
            var ending = _session;
            _session = null;
            ending.Dispose();
            Change(null);
        }

        /// <summary>Says what the user said: <c>await client.SayAsync("pick up the kettle")</c>.</summary>
        /// <returns>What came of it. Actions come by <see cref="ActionReceived"/> too.</returns>
        /// <exception cref="GenlockException">In the task: not connected, refused, or the session ended.</exception>
        public Task<Understood> SayAsync(string text, string language = "")
        {
            return Ask(session => session.SayAsync(text, -1, language));
        }

        /// <summary>The user selected this target by the app's own means: pointing is learned from it.</summary>
        public Task<string> ConfirmAsync(GenlockTarget target)
        {
            return Ask(session => session.SendFeedbackAsync(new Feedback { Verdict = Verdict.Confirm, Target = target.Id }));
        }

        /// <summary>Not that action, this one was meant; empty: none was.</summary>
        public Task<string> CorrectAsync(GenlockAction action, string meant)
        {
            return Ask(
                session => session.SendFeedbackAsync(
                    new Feedback { Verdict = Verdict.Correct, ActionNumber = action.Number, Of = action.Of, Action = meant }));
        }

        /// <summary>The utterance of which nothing came meant this action.</summary>
        public Task<string> CorrectAsync(Understood utterance, string meant)
        {
            return Ask(
                session => session.SendFeedbackAsync(
                    new Feedback { Verdict = Verdict.Correct, Of = utterance.Id, Action = meant }));
        }

        /// <summary>What was heard, of which nothing came or the wrong thing, meant this action.</summary>
        public Task<string> CorrectAsync(Transcript heard, string meant)
        {
            return Ask(session => session.SendFeedbackAsync(new Feedback { Verdict = Verdict.Correct, Of = heard.Id, Action = meant }));
        }

        /// <summary>Takes back what was taught or fed back last, or that of an id.</summary>
        public Task<string> UndoAsync(string of = "")
        {
            return Ask(session => session.SendFeedbackAsync(new Feedback { Verdict = Verdict.Undo, Of = of }));
        }

        /// <summary>Teaches words for an action: at once, for this user only.</summary>
        /// <param name="action">The action's name.</param>
        /// <param name="phrase">The words; targets and arguments may be named in them.</param>
        /// <param name="target">The one target that they always mean; null: none.</param>
        /// <returns>Its id, for <see cref="UndoAsync"/>.</returns>
        public Task<string> TeachPhraseAsync(string action, string phrase, GenlockTarget target = null)
        {
            return Ask(session => session.TeachPhraseAsync(action, phrase, target == null ? "" : target.Id));
        }

        /// <summary>Teaches another name of a target.</summary>
        public Task<string> TeachNameAsync(GenlockTarget target, string name)
        {
            return Ask(session => session.TeachNameAsync(target.Id, name));
        }

        /// <summary>Teaches a gesture from one to five examples, which a <see cref="GestureRecorder"/> makes.</summary>
        public Task<string> TeachGestureAsync(string gesture, GestureDevice device, IList<byte[]> examples)
        {
            return Ask(session => session.TeachGestureAsync(gesture, device, examples));
        }

        /// <summary>Teaches what a thing looks like, for this user in all apps.</summary>
        /// <param name="thing">What it is called.</param>
        /// <param name="pictures">1 to 16 JPEG or PNG files of it, 1 MiB in all.</param>
        public Task<string> TeachObjectAsync(string thing, IList<byte[]> pictures)
        {
            return Ask(session => session.TeachObjectAsync(thing, pictures));
        }

        /// <summary>
        /// Sends what a camera sees, where <see cref="SendsImages"/> is set. What comes into sight comes as an action with the
        /// source <c>image</c>. A daemon takes 15 a second; two that are not seen yet may wait.
        /// </summary>
        /// <param name="format">How the picture is laid.</param>
        /// <param name="data">A file, as Unity's <c>ImageConversion.EncodeToJPG</c> makes it, or the pixels.</param>
        /// <param name="time">When it was taken, by <see cref="GenlockSession.Microseconds"/>; -1: now.</param>
        /// <returns>False where it is lost, because there is no connection or the daemon does not see.</returns>
        /// <exception cref="GenlockException">It is longer than 1 MiB.</exception>
        public bool SendImage(ImageFormat format, int width, int height, byte[] data, long time = -1)
        {
            if (_session == null || _session.Welcome == null || !_session.Welcome.Serves.Contains("image"))
            {
                return false;
            }
            return _session.SendImage(time < 0 ? GenlockSession.Microseconds() : time, format, width, height, data);
        }

        /// <summary>All that was learned of the user, to keep or to move.</summary>
        public Task<byte[]> ExportProfileAsync()
        {
            return Ask(session => session.ProfileAsync(ProfileOperation.Export));
        }

        /// <summary>Replaces what was learned by what an export gave.</summary>
        public Task ImportProfileAsync(byte[] profile, ProfileKind kind = ProfileKind.All)
        {
            return Ask(session => session.ProfileAsync(ProfileOperation.Import, kind, profile));
        }

        /// <summary>Nothing of the user stays with the daemon.</summary>
        public Task EraseProfileAsync()
        {
            return Ask(session => session.ProfileAsync(ProfileOperation.Erase));
        }

        /// <summary>Forgets what was learned of a kind and goes on learning.</summary>
        public Task ResetProfileAsync(ProfileKind kind = ProfileKind.All)
        {
            return Ask(session => session.ProfileAsync(ProfileOperation.Reset, kind));
        }

        /// <summary>Whether anything is learned from now on, in all sessions of this user.</summary>
        public Task SetLearningAsync(bool learning)
        {
            return Ask(
                session => session.ProfileAsync(learning ? ProfileOperation.ResumeLearning : ProfileOperation.PauseLearning));
        }

        /// <summary>A target of an action or an answer by its id; null: none.</summary>
        public GenlockTarget FindTarget(string id)
        {
            return _board.Find(id);
        }

        internal void Add(GenlockTarget target)
        {
            _board.Add(target);
        }

        internal void Remove(GenlockTarget target)
        {
            _board.Remove(target);
            if (CurrentTarget == target)
            {
                Change(null);
            }
        }

        private void OnEnable()
        {
            // What was enabled before there was a client has found none.
            foreach (var part in Resources.FindObjectsOfTypeAll<GenlockBehaviour>())
            {
                part.Find();
            }
            if (!connectOnEnable)
            {
                return;
            }
            try
            {
                Connect();
            }
            catch (GenlockException problem)
            {
                Debug.LogError("Genlock: " + problem.Message, this);
            }
        }

        private void OnDisable()
        {
            _isDisabling = true;
            try
            {
                Disconnect();
            }
            finally
            {
                _isDisabling = false;
            }
        }

        /// <summary>A headset that sleeps loses its connection: the pause until the next attempt would come out of the time for a resume.</summary>
        private void OnApplicationPause(bool paused)
        {
            if (!paused && _session != null)
            {
                _session.ConnectNow();
            }
        }

        private void Update()
        {
            if (_session != null)
            {
                _session.Pump();
            }
        }

        private void LateUpdate()
        {
            if (_session == null || _session.State != SessionState.Connected || !IsDue())
            {
                return;
            }
            var session = _session;
            KeepRig();
            _board.Send(trackingSpace, Time.unscaledTime);
            FindSources();
            _frame.Clear();
            if (head != null)
            {
                _frame.SetPose(Parts.Head, Coordinates.ToWire(trackingSpace, head.position, head.rotation));
            }
            for (var i = 0; i < _sources.Count; i++)
            {
                if (_sources[i] != null && _sources[i].isActiveAndEnabled)
                {
                    Track(_sources[i]);
                }
            }
            session.SendFrame(_frame, GenlockSession.Microseconds());
        }

        /// <summary>A source that throws keeps no frame back: the others are in it.</summary>
        private void Track(GenlockTrackingSource source)
        {
            try
            {
                source.Track(_frame);
            }
            catch (Exception problem)
            {
                if (_failed.Add(source))
                {
                    Debug.LogException(problem, source);
                }
            }
        }

        /// <summary>
        /// Whether a frame is due, where fewer than the display's rate are wanted. Without a headset an editor may draw thousands a
        /// second, which a daemon takes for a flood.
        /// </summary>
        private bool IsDue()
        {
            var hz = framesPerSecond > 0f ? framesPerSecond : _unpacedHz;
            if (hz <= 0.0)
            {
                return true;
            }
            var now = Time.unscaledTimeAsDouble;
            if (now < _nextFrame)
            {
                return false;
            }
            _nextFrame = Math.Max(_nextFrame + 1.0 / hz, now);
            return true;
        }

        /// <summary>Sources may be added while the app runs; asking once a second makes no garbage in between.</summary>
        private void FindSources()
        {
            if (Time.unscaledTime >= _nextSources)
            {
                _nextSources = Time.unscaledTime + 1f;
                GetComponentsInChildren(false, _sources);
                PutFirst(_added);
            }
        }

        /// <summary>What the app set up overwrites what was only added for it.</summary>
        private void PutFirst(GenlockTrackingSource source)
        {
            if (_sources.Remove(source))
            {
                _sources.Insert(0, source);
            }
        }

        private void FindRig()
        {
            FindHead();
            _isRigTold = false;
            _nextRig = 0f;
            if (GetComponentInChildren<GenlockXRSource>() == null)
            {
                _added = gameObject.AddComponent<GenlockXRSource>();
            }
            _nextSources = 0f;
        }

        private void FindHead()
        {
            if (head == null && Camera.main != null)
            {
                head = Camera.main.transform;
                trackingSpace = _isSpaceFound ? null : trackingSpace;
            }
            if (trackingSpace == null)
            {
                trackingSpace = head != null && head.parent != null ? head.parent : transform;
                _isSpaceFound = true;
            }
        }

        /// <summary>A change of scene may take the camera away from a client that stays.</summary>
        private void KeepRig()
        {
            if ((head != null && trackingSpace != null) || Time.unscaledTime < _nextRig)
            {
                return;
            }
            _nextRig = Time.unscaledTime + 1f;
            FindHead();
            if (head == null && !_isRigTold)
            {
                _isRigTold = true;
                Debug.LogWarning(
                    "Genlock: there is no head: no enabled camera has the tag MainCamera. Tag one, or set Head of the GenlockClient", this);
            }
        }

        private SessionOptions Options()
        {
            Uri address;
            if (!Uri.TryCreate(url, UriKind.Absolute, out address))
            {
                throw new GenlockException(
                    ErrorCodes.Invalid, "\"" + url + "\" is no address; it must be like ws://192.168.1.20:8765", "url");
            }
            var app = actions == null
                ? new AppInfo { Name = Application.productName, Version = Application.version }
                : actions.ToApp(Application.version);
            if (app.Name.Length == 0)
            {
                app.Name = Application.productName;
            }
            var display = HeadsetDisplay.Find();
            var options = new SessionOptions
            {
                Url = address,
                Token = token,
                User = string.IsNullOrEmpty(user) ? SystemInfo.deviceUniqueIdentifier : user,
                App = app,
                RefreshHz = Rate(display),
                Audio = GetComponentInChildren<GenlockMicrophone>() != null,
                Images = sendsImages,
                Device = new DeviceInfo
                {
                    Name = SystemInfo.deviceModel, Runtime = display.Name, Engine = "Unity " + Application.unityVersion,
                },
            };
            _unpacedHz = display.Name.Length == 0 ? options.RefreshHz : 0.0;
            options.HorizonsMs.Clear();
            foreach (var horizon in horizonsMs)
            {
                options.HorizonsMs.Add(horizon);
            }
            return options;
        }

        private double Rate(HeadsetDisplay display)
        {
            if (framesPerSecond >= 1f)
            {
                return framesPerSecond;
            }
            return display.Hz >= 1f ? Math.Min(display.Hz, 240f) : 90.0;
        }

        /// <summary>Asks the session for something. Where there is none, awaiting the task says so, as of all else that fails.</summary>
        private Task<T> Ask<T>(Func<GenlockSession, Task<T>> ask)
        {
            if (_session == null)
            {
                return Task.FromException<T>(
                    new GenlockException(
                        ErrorCodes.Closed, "not connected; call Connect first, or enable the GenlockClient"));
            }
            return ask(_session);
        }

        private void Listen(GenlockSession session)
        {
            session.Welcomed += TakeWelcome;
            session.Closed += TakeClosing;
            session.ActionReceived += TakeAction;
            session.Answered += TakeAnswer;
            session.NoticeReceived += TakeNotice;
            session.ErrorReceived += TakeError;
            session.Transcribed += TakeTranscript;
            session.HandlerFailed += problem => Debug.LogException(problem, this);
        }

        private void TakeWelcome(Welcome welcome)
        {
            Handlers.Call(Connected, welcome, this);
            onConnected.Invoke();
        }

        private void TakeClosing(Closing closing)
        {
            Change(null);
            var words = closing.Reason + (closing.Reason.Length > 0 ? ". " : "") + closing.Advice;
            if (!closing.TriesAgain && closing.Code != CloseCodes.Normal)
            {
                Debug.LogError("Genlock: " + words, this);
            }
            Handlers.Call(Disconnected, closing, this);
            onDisconnected.Invoke(words);
        }

        private void TakeAction(GenlockAction action)
        {
            Handlers.Call(ActionReceived, action, this);
            Handlers.Call(() => onAction.Invoke(action), this);
            var target = _board.Find(action.Target);
            if (target != null)
            {
                target.Take(action);
            }
        }

        private void TakeAnswer(Answer answer)
        {
            var probability = answer.Probability(answer.TargetIndex);
            if (probability >= targetThreshold)
            {
                Change(_board.Find(answer.TargetId));
            }
            else if (probability < Release * targetThreshold)
            {
                Change(null);
            }
            Handlers.CallEach(_answered.Each, answer, this);
        }

        private void TakeNotice(Notice notice)
        {
            Handlers.Call(NoticeReceived, notice, this);
            switch (notice.Code)
            {
                case NoticeCodes.NotUnderstood:
                case NoticeCodes.WhichTarget:
                case NoticeCodes.WhichArgument:
                case NoticeCodes.Canceled:
                case NoticeCodes.Learned:
                    onAsk.Invoke(notice.Message);
                    break;
            }
        }

        private void TakeTranscript(Transcript transcript)
        {
            Handlers.Call(Transcribed, transcript, this);
            onTranscribed.Invoke(transcript.Text);
        }

        private void TakeError(DaemonError error)
        {
            if (!IsRepeated(error))
            {
                Debug.LogWarning("Genlock: " + error.Code + ": " + error.Message, this);
            }
            Handlers.Call(ErrorReceived, error, this);
            onError.Invoke(error.Message);
        }

        private bool IsRepeated(DaemonError error)
        {
            if (error.Q < 0 && error.Of != "frame" && error.Of != "audio" && error.Of != "image")
            {
                return false;
            }
            var mistake = error.Code + " " + error.Of + " " + error.Key;
            float logged;
            if (_logged.TryGetValue(mistake, out logged) && Time.unscaledTime < logged + RepeatSeconds)
            {
                return true;
            }
            _logged[mistake] = Time.unscaledTime;
            return false;
        }

        private void Change(GenlockTarget target)
        {
            var before = CurrentTarget;
            if (before == target)
            {
                return;
            }
            CurrentTarget = target;
            if (before != null)
            {
                Handlers.Call(before.Leave, before);
            }
            if (target != null)
            {
                Handlers.Call(target.Enter, target);
            }
            Handlers.Call(TargetChanged, target, this);
            Handlers.Call(() => onTargetChanged.Invoke(target), this);
        }
    }
}
