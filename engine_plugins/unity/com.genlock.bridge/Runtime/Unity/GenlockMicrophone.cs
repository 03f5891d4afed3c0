using System;
using UnityEngine;
#if UNITY_ANDROID && !UNITY_EDITOR
using UnityEngine.Android;
#endif

namespace Genlock
{
    /// <summary>
    /// Sends what the user says, while somebody speaks or always. Put it on the GenlockClient's object. Starting a microphone can
    /// stop the main thread for a second on some devices: it is done once, when this is enabled.
    /// </summary>
    [AddComponentMenu("Genlock/Genlock Microphone")]
    public sealed class GenlockMicrophone : MonoBehaviour
    {
        private const int Seconds = 2;
        private const int PieceBytes = 3200;
        private const int BlocksPerSecond = 50;
        private const long LargestJitter = 100000;

        [Tooltip("Empty: the default microphone.")]
        [SerializeField] private string device = "";

        [Tooltip("Send only while somebody speaks. The daemon gets nothing else.")]
        [SerializeField] private bool onlySpeech = true;

        [Tooltip("How loud speech is, root mean square of samples of -1 to 1.")]
        [Range(0f, 0.2f)]
        [SerializeField] private float threshold = 0.01f;

        [Tooltip("How long quiet lasts until an utterance is over, milliseconds.")]
        [SerializeField] private int quietMs = 600;

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
                _waitsForPermission = true;
                Permission.RequestUserPermission(Permission.Microphone);
                return;
            }
#endif
            Listen();
        }

        private void OnDisable()
        {
            if (_clip != null)
            {
                Microphone.End(DeviceName());
                EndSpeech();
                Destroy(_clip);
                _clip = null;
            }
            _waitsForPermission = false;
        }

        private void Update()
        {
            if (_waitsForPermission)
            {
                WaitForPermission();
            }
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

        /// <summary>The dialog is answered outside of this app: there is no better way on Unity 2021.3 than to look.</summary>
        private void WaitForPermission()
        {
#if UNITY_ANDROID && !UNITY_EDITOR
            if (Permission.HasUserAuthorizedPermission(Permission.Microphone))
            {
                _waitsForPermission = false;
                Listen();
            }
#endif
        }

        private void Listen()
        {
            if (Microphone.devices.Length == 0)
            {
                Trouble("there is no microphone, or the app may not use it");
                return;
            }
            int lowest, highest;
            Microphone.GetDeviceCaps(DeviceName(), out lowest, out highest);
            // 0 and 0: any rate will do.
            var hz = highest == 0 ? Protocol.AudioHz : Math.Max(lowest, Math.Min(highest, Protocol.AudioHz));
            _clip = Microphone.Start(DeviceName(), true, Seconds, hz);
            if (_clip == null)
            {
                Trouble("the microphone " + device + " did not start");
                return;
            }
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
            for (; frames >= block; frames -= block)
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
