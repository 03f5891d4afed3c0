namespace Genlock
{
    /// <summary>The names and numbers of version 1.0 of the protocol.</summary>
    public static class Protocol
    {
        /// <summary>The version that this package was written for.</summary>
        public const string Version = "1.0";

        /// <summary>The WebSocket subprotocol.</summary>
        public const string Subprotocol = "genlock.v1";

        /// <summary>This package and its version, as the daemon's log shows it.</summary>
        public const string Plugin = "com.genlock.bridge 0.1.0";

        /// <summary>The longest message in bytes but for images, teaching and profiles.</summary>
        public const int MaxMessageBytes = 65536;

        /// <summary>The longest image, teaching or profile in bytes.</summary>
        public const int MaxLargeMessageBytes = 1024 * 1024 + 4096;

        /// <summary>The longest message in bytes that is taken from a daemon.</summary>
        public const int MaxInboundBytes = 2 * 1024 * 1024;

        /// <summary>How long a scene's targets may be in bytes, so that all of them fit in one message.</summary>
        internal const int MaxSceneBytes = MaxMessageBytes - 256;

        /// <summary>How many targets there may be in a scene.</summary>
        public const int MaxTargets = 64;

        /// <summary>How many horizons may be forecast.</summary>
        public const int MaxHorizons = 8;

        /// <summary>How many joints a hand has.</summary>
        public const int Joints = 26;

        /// <summary>How many bytes of sound one audio message may hold: 200 ms.</summary>
        public const int MaxAudioBytes = 6400;

        /// <summary>Samples a second of sound.</summary>
        public const int AudioHz = 16000;
    }

    /// <summary>Codes of a <see cref="DaemonError"/>. A daemon may know more of them.</summary>
    public static class ErrorCodes
    {
        public const string NotMsgPack = "not_msgpack";
        public const string TextMessage = "text_message";
        public const string TooBig = "too_big";
        public const string UnknownType = "unknown_type";
        public const string Invalid = "invalid";
        public const string Version = "version";
        public const string Unauthorized = "unauthorized";
        public const string HelloExpected = "hello_expected";
        public const string Sequence = "sequence";
        public const string Time = "time";
        public const string NotFinite = "not_finite";
        public const string Quaternion = "quaternion";
        public const string Unsupported = "unsupported";
        public const string Full = "full";
        public const string LearningOff = "learning_off";
        public const string Flooding = "flooding";
        public const string Internal = "internal";

        /// <summary>Not from a daemon: the session ended before the message was answered.</summary>
        public const string Closed = "closed";
    }

    /// <summary>Codes of a <see cref="Notice"/>. A daemon may know more of them.</summary>
    public static class NoticeCodes
    {
        public const string Draining = "draining";
        public const string EngineLost = "engine_lost";
        public const string EngineBack = "engine_back";
        public const string NotUnderstood = "not_understood";
        public const string WhichTarget = "which_target";
        public const string WhichArgument = "which_argument";
        public const string Canceled = "canceled";
        public const string Learned = "learned";
        public const string LanguageLost = "language_lost";
        public const string LanguageBack = "language_back";
        public const string HearingLost = "hearing_lost";
        public const string HearingBack = "hearing_back";
        public const string SeeingLost = "seeing_lost";
        public const string SeeingBack = "seeing_back";

        /// <summary>Sound or pictures came faster than they can be taken, and what the text names was dropped.</summary>
        public const string Busy = "busy";
        public const string ProfileSetAside = "profile_set_aside";
        public const string ProfileTakenOver = "profile_taken_over";
    }

    /// <summary>What a WebSocket close code of the daemon means for a client.</summary>
    public static class CloseCodes
    {
        public const int Normal = 1000;

        /// <summary>Not from a daemon, which leaves the connection open: it refused the hello, and would again.</summary>
        public const int HelloRefused = 1008;
        public const int GoingAway = 1001;

        /// <summary>The connection broke without a close.</summary>
        public const int Abnormal = 1006;
        public const int TooBig = 1009;
        public const int TryAgainLater = 1013;
        public const int Unauthorized = 4001;
        public const int Version = 4002;
        public const int HelloExpected = 4003;
        public const int NotMsgPack = 4004;
        public const int Flooding = 4005;
        public const int ResumedElsewhere = 4006;
        public const int SlowReader = 4007;
        public const int Timeout = 4008;

        /// <summary>Whether connecting again can help.</summary>
        public static bool MayTryAgain(int code)
        {
            return code != HelloRefused && code != Unauthorized && code != Version && code != HelloExpected && code != ResumedElsewhere;
        }

        /// <summary>How long to wait at least before connecting again, milliseconds.</summary>
        internal static long ShortestPauseMs(int code)
        {
            return code == TryAgainLater ? 2000 : code == Flooding ? 1000 : 0;
        }

        /// <summary>What to do about it, in a sentence.</summary>
        public static string Advice(int code)
        {
            switch (code)
            {
                case Normal:
                    return "The session was ended.";
                case GoingAway:
                    return "The daemon stops; connecting again once it is back.";
                case Abnormal:
                    return "The connection broke. Is the daemon running, and are this device and it on one network?";
                case HelloRefused:
                    return "The daemon would refuse it again: mend what it names, then connect anew.";
                case TooBig:
                    return "A message was too long for the daemon; send less at once.";
                case TryAgainLater:
                    return "The daemon is full or stopping; trying again in some seconds.";
                case Unauthorized:
                    return "The daemon wants another token. Set Token to what it was started with (genlock serve --token).";
                case Version:
                    return "The daemon speaks another major version of the protocol. Update the older of the two.";
                case HelloExpected:
                    return "The daemon did not get a hello first; this is a fault of this package, please report it.";
                case NotMsgPack:
                    return "The daemon could not read a message; this is a fault of this package, please report it.";
                case Flooding:
                    return "Too many messages a second; send fewer.";
                case ResumedElsewhere:
                    return "Another connection goes on with this session. Are two clients running with one session?";
                case SlowReader:
                    return "The app did not read the daemon's answers for 10 s.";
                case Timeout:
                    return "The daemon waited 10 s for a hello; trying again.";
                default:
                    return "Trying again.";
            }
        }
    }
}
