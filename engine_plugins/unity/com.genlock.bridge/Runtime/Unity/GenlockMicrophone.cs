using System;
using UnityEngine;
#if UNITY_ANDROID && !UNITY_EDITOR
using UnityEngine.Android;
#endif

namespace Genlock
{
    /// <summary>
    /// Sends what the user says, while somebody speaks or always. Put it on the GenlockClient's object. Starting a microphone can
    /// stop the main thread for a second on some devices: it is done when this is enabled, when the app wakes, and once a second
    /// while a microphone that was lost does not come back.
    /// </summary>
    [AddComponentMenu("Genlock/Genlock Microphone")]
    public sealed class GenlockMicrophone : MonoBehaviour
    {
        private const int Seconds = 2;
        private const int PieceBytes = 3200;
        private const int BlocksPerSecond = 50;
        private const long LargestJitter = 100000;
        private const float RetrySeconds = 1f;

        [Tooltip("Empty: the default microphone. Takes effect when this is enabled.")]
        [SerializeField] private string device = "";

        [Tooltip("Send only while somebody speaks. The daemon gets nothing else.")]
        [SerializeField] private bool onlySpeech = true;

        [Tooltip("How loud speech is, root mean square of samples of -1 to 1.")]
        [Range(0f, 0.2f)]
        [SerializeField] private float threshold = 0.01f;

        [Tooltip("How long quiet lasts until an utterance is over, milliseconds.")]
        [SerializeField] private int quietMs = 600;

        [Tooltip("Why nothing is heard, in words for the developer.")]
        [SerializeField] private TextEvent onTrouble = new TextEvent();

        private GenlockClient _client;
        private AudioClip _clip;
        private Resampler _resampler;
        private SpeechGate _gate;
        private float[] _samples = new float[0];
        private byte[] _pcm = new byte[0];
        private readonly byte[] _before = new byte[PieceBytes];
        private int _filled;
        private int _read;
        private long _next = -1;
        private GenlockSession _deaf;
        private int _silentPieces;
        private bool _hasBefore;
        private bool _speaking;
        private bool _warned;
        private bool _waitsForPermission;
        private volatile bool _isDenied;
        private bool _listens;
        private bool _isPaused;
        private bool _isLost;
        private float _retryAt;

        /// <summary>How loud it is, root mean square of samples of -1 to 1.</summary>
        public float Level
        {
            get { return _gate == null ? 0f : _gate.Level; }
        }

        /// <summary>Whether somebody speaks.</summary>
        public bool IsSpeaking
        {
            get { return _speaking; }
        }

        /// <summary>Why nothing is heard, in words for the developer.</summary>
        public TextEvent OnTrouble
        {
            get { return onTrouble; }
        }

        /// <summary>Whether only speech is sent; takes effect at once.</summary>
        public bool OnlySpeech
        {
            get { return onlySpeech; }
            set { onlySpeech = value; }
        }

        /// <summary>How loud speech is, root mean square of samples of -1 to 1; takes effect at once.</summary>
        public float Threshold
        {
            get { return threshold; }
            set { threshold = value; }
        }

        /// <summary>How long quiet lasts until an utterance is over, milliseconds; takes effect at once.</summary>
        public int QuietMs
        {
            get { return quietMs; }
            set { quietMs = value; }
        }

        /// <summary>The clock that sound is timed by, microseconds.</summary>
        internal Func<long> Now { get; set; } = GenlockSession.Microseconds;

        private void OnEnable()
        {
            _client = GetComponentInParent<GenlockClient>();
            if (_client == null)
            {
                Trouble("GenlockMicrophone belongs on the object of a GenlockClient, or below it");
                return;
            }
#if UNITY_ANDROID && !UNITY_EDITOR
            if (!Permission.HasUserAuthorizedPermission(Permission.Microphone))
            {
                AskForPermission();
                return;
            }
#endif
            Begin();
        }

        private void OnDisable()
        {
            Stop();
            _listens = false;
            _waitsForPermission = false;
        }

        /// <summary>Systems take the microphone from an app that sleeps, and need not say so when it wakes.</summary>
        private void OnApplicationPause(bool paused)
        {
            if (paused)
            {
                Stop();
            }
            _retryAt = 0f;
            _isPaused = paused;
        }

        private void Update()
        {
            if (_waitsForPermission)
            {
                WaitForPermission();
            }
            KeepListening();
            if (_clip == null)
            {
                return;
            }
            var at = Microphone.GetPosition(DeviceName());
            var frames = at - _read;
            if (frames < 0)
            {
                frames += _clip.samples;
            }
            Take(frames);
        }

#if UNITY_ANDROID && !UNITY_EDITOR
        private void AskForPermission()
        {
            _isDenied = false;
            _waitsForPermission = true;
            var callbacks = new PermissionCallbacks();
            // Where nobody listens to "don't ask again", this is called for it too.
            callbacks.PermissionDenied += permission => _isDenied = true;
            Permission.RequestUserPermission(Permission.Microphone, callbacks);
        }
#endif

        /// <summary>
        /// That it was granted is looked for once a second, and when the app wakes: the user may do so in the system's settings as well.
        /// </summary>
        private void WaitForPermission()
        {
#if UNITY_ANDROID && !UNITY_EDITOR
            if (Time.unscaledTime >= _retryAt)
            {
                _retryAt = Time.unscaledTime + RetrySeconds;
                if (Permission.HasUserAuthorizedPermission(Permission.Microphone))
                {
                    _waitsForPermission = false;
                    Begin();
                }
            }
#endif
            if (_isDenied)
            {
                _isDenied = false;
                Trouble("the user does not let the app use the microphone");
            }
        }

        private void Begin()
        {
            _listens = true;
            _isLost = false;
            Listen();
        }

        private void Stop()
        {
            if (_clip != null)
            {
                Microphone.End(DeviceName());
                EndSpeech();
                Destroy(_clip);
                _clip = null;
            }
        }

        /// <summary>Notices a microphone that was unplugged or taken, and looks for it again.</summary>
        private void KeepListening()
        {
            if (_clip != null && !Microphone.IsRecording(DeviceName()))
            {
                Stop();
                _retryAt = Time.unscaledTime + RetrySeconds;
                Lose("the microphone stopped: it was unplugged, or something else took it. Trying again");
            }
            if (_clip == null && _listens && !_isPaused && Time.unscaledTime >= _retryAt)
            {
                Listen();
            }
        }

        private void Lose(string words)
        {
            if (!_isLost)
            {
                _isLost = true;
                Trouble(words);
            }
        }

        private void Listen()
        {
            _retryAt = Time.unscaledTime + RetrySeconds;
            var devices = Microphone.devices;
            if (devices.Length == 0 || (device.Length > 0 && Array.IndexOf(devices, device) < 0))
            {
                Lose(
                    device.Length == 0 ? "there is no microphone, or the app may not use it"
                    : "there is no microphone \"" + device + "\", or the app may not use it");
                return;
            }
            int lowest, highest;
            Microphone.GetDeviceCaps(DeviceName(), out lowest, out highest);
            // 0 and 0: any rate will do.
            var hz = highest == 0 ? Protocol.AudioHz : Math.Max(lowest, Math.Min(highest, Protocol.AudioHz));
            _clip = Microphone.Start(DeviceName(), true, Seconds, hz);
            if (_clip == null)
            {
                Lose("the microphone " + device + " did not start");
                return;
            }
            _isLost = false;
            _resampler = new Resampler(_clip.frequency, _clip.channels);
            _gate = new SpeechGate(threshold, quietMs);
            _samples = new float[_clip.frequency / BlocksPerSecond * _clip.channels];
            _pcm = new byte[PieceBytes + _resampler.MostBytes(_samples.Length)];
            _read = 0;
            _filled = 0;
            _next = -1;
            _silentPieces = 0;
            _hasBefore = false;
            _speaking = false;
        }

        /// <summary>
        /// Takes what is new in the ring that the clip is, in blocks of one length, because GetData fills a whole array. A block
        /// over the end of the ring goes on at its beginning.
        /// </summary>
        private void Take(int frames)
        {
            var block = _samples.Length / _clip.channels;
            // Who is told of trouble may turn it off.
            for (; _clip != null && frames >= block; frames -= block)
            {
                _clip.GetData(_samples, _read);
                _filled += _resampler.Turn(_samples, _samples.Length, _pcm, _filled);
                _read = (_read + block) % _clip.samples;
                SendPieces((frames - block) * 1000000L / _clip.frequency);
            }
        }

        /// <param name="after">How much sound there is behind these samples, microseconds.</param>
        private void SendPieces(long after)
        {
            var at = 0;
            while (_filled - at >= PieceBytes)
            {
                SendPiece(at, TimeOf(Now() - after - _resampler.Delay - MicrosecondsOf(_filled - at)));
                at += PieceBytes;
            }
            Buffer.BlockCopy(_pcm, at, _pcm, 0, _filled - at);
            _filled -= at;
        }

        /// <summary>
        /// A piece begins where the last one ended: when its samples were found in the ring says so less exactly. The sound's
        /// clock and the device's drift apart, so that a tenth of a second is believed.
        /// </summary>
        private long TimeOf(long found)
        {
            if (_next < 0 || Math.Abs(found - _next) > LargestJitter)
            {
                _next = found;
            }
            var time = _next;
            _next += MicrosecondsOf(PieceBytes);
            return time;
        }

        /// <summary>What was said up to now is all: the daemon need not wait for silence.</summary>
        private void EndSpeech()
        {
            var session = _client.Session;
            if (_speaking && session != null)
            {
                session.SendAudio(TimeOf(Now() - _resampler.Delay - MicrosecondsOf(_filled)), _pcm, 0, _filled, true);
            }
            _speaking = false;
        }

        private void SendPiece(int at, long time)
        {
            _gate.Threshold = threshold;
            _gate.HangMs = quietMs;
            var speech = _gate.Take(_pcm, at, PieceBytes);
            NoticeSilence();
            var session = _client.Session;
            if (session == null || !Hears(session))
            {
                _hasBefore = false;
                _speaking = false;
                return;
            }
            if (onlySpeech && speech == Speech.Silent)
            {
                // The beginning of a word is quieter than the word: it is kept in case that one follows.
                Buffer.BlockCopy(_pcm, at, _before, 0, PieceBytes);
                _hasBefore = true;
                _speaking = false;
                _next = -1;
                return;
            }
            if (_hasBefore)
            {
                session.SendAudio(time - MicrosecondsOf(PieceBytes), _before, 0, PieceBytes, false);
                _hasBefore = false;
            }
            _speaking = speech == Speech.Speaking;
            session.SendAudio(time, _pcm, at, PieceBytes, speech == Speech.Ended);
        }

        /// <summary>Whether the daemon takes sound; where it does not, that is told once a session.</summary>
        private bool Hears(GenlockSession session)
        {
            if (session.Welcome == null || session.Welcome.Serves.Contains("audio"))
            {
                return true;
            }
            if (_deaf != session)
            {
                _deaf = session;
                Trouble("this daemon does not hear: what is said is not sent to it");
            }
            return false;
        }

        /// <summary>Without permission some platforms give zeros and say nothing.</summary>
        private void NoticeSilence()
        {
            _silentPieces = _gate.Level == 0f ? _silentPieces + 1 : 0;
            if (_silentPieces == 50 && !_warned)
            {
                _warned = true;
                Trouble("the microphone gives nothing but zeros: the app may not be allowed to use it, or it is muted");
            }
        }

        private string DeviceName()
        {
            return device.Length == 0 ? null : device;
        }

        private void Trouble(string words)
        {
            Debug.LogWarning("Genlock: " + words, this);
            onTrouble.Invoke(words);
        }

        private static long MicrosecondsOf(int bytes)
        {
            return bytes / 2 * 1000000L / Protocol.AudioHz;
        }
    }
}
