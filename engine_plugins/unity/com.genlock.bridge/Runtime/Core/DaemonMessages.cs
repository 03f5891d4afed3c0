using System.Collections.Generic;

namespace Genlock
{
    /// <summary>A model that serves the session.</summary>
    public sealed class ModelInfo
    {
        public string Name = "";
        public string Version = "";
    }

    /// <summary>What the daemon said when the session began or went on.</summary>
    public sealed class Welcome
    {
        /// <summary>The version of the protocol that the daemon speaks.</summary>
        public string Version = "";

        /// <summary>Names the session in the daemon's log.</summary>
        public string Session = "";

        internal string Resume = "";

        /// <summary>How long the session waits after a drop, seconds.</summary>
        public double ResumeSeconds;

        /// <summary>Whether the session goes on where it was.</summary>
        public bool Resumed;

        /// <summary>The largest number of a frame that the daemon has.</summary>
        public long LastQ = -1;
        public IList<ModelInfo> Models = new List<ModelInfo>();

        /// <summary>The messages that the daemon answers.</summary>
        public IList<string> Serves = new List<string>();

        /// <summary>The daemon's limits.</summary>
        public long MessageBytes = Protocol.MaxMessageBytes;
        public long LargeMessageBytes = Protocol.MaxLargeMessageBytes;
        public long Targets = Protocol.MaxTargets;
        public long Horizons = Protocol.MaxHorizons;
        public long HorizonMs = 250;
        public long MessagesPerSecond;

        /// <summary>The daemon's monotonic clock, microseconds.</summary>
        public long ServerTime;

        /// <summary>Whether the daemon writes down what the session sends: tell the user.</summary>
        public bool Recording;

        /// <summary>Whether anything is learned of the user in this session.</summary>
        public bool Learning;

        /// <summary>How many sessions of this user there were before.</summary>
        public long Sessions;

        /// <summary>
        /// With <see cref="Resumed"/>: the daemon was started again meanwhile. The session goes on with what was acknowledged; an
        /// action that waited for more gets its <see cref="ActionPhase.Canceled"/>.
        /// </summary>
        public bool Restored;
    }

    /// <summary>How far an action is.</summary>
    public enum ActionPhase
    {
        /// <summary>It waits for more.</summary>
        Started,

        /// <summary>It is to be done.</summary>
        Performed,

        /// <summary>What was started ends without being done.</summary>
        Canceled,
    }

    /// <summary>What the app should do.</summary>
    public sealed class GenlockAction
    {
        private static readonly IReadOnlyDictionary<string, object> None = new Dictionary<string, object>();

        /// <summary>Its number in the session.</summary>
        public long Number;
        public string Name = "";
        public ActionPhase Phase;

        /// <summary>0 to 1.</summary>
        public double Confidence;

        /// <summary>utterance, gesture, speech or image.</summary>
        public string Source = "";

        /// <summary>The id of the message that it came from, or of the <see cref="Transcript"/>; empty: neither.</summary>
        public string Of = "";

        /// <summary>The id of the target that it is about; empty: none.</summary>
        public string Target = "";

        /// <summary>Each a string, long, double or bool.</summary>
        public IReadOnlyDictionary<string, object> Arguments = None;

        /// <summary>An argument as text, or another where it was not said.</summary>
        public string Text(string name, string otherwise = "")
        {
            object value;
            return Arguments.TryGetValue(name, out value) && value is string ? (string)value : otherwise;
        }

        /// <summary>An argument as a number, or another where it was not said.</summary>
        public double Amount(string name, double otherwise)
        {
            object value;
            if (!Arguments.TryGetValue(name, out value))
            {
                return otherwise;
            }
            return value is double ? (double)value : value is long ? (long)value : otherwise;
        }

        /// <summary>The same action, which will not be performed any more.</summary>
        internal GenlockAction Canceled()
        {
            var canceled = (GenlockAction)MemberwiseClone();
            canceled.Phase = ActionPhase.Canceled;
            return canceled;
        }
    }

    /// <summary>
    /// The answer to a frame. There is one object for all of them, filled again each time: what is wanted later must be copied.
    /// </summary>
    public sealed class Answer
    {
        internal float[] Poses = new float[3 * Protocol.MaxHorizons * TrackingFrame.PoseFloats];
        internal float[] Shares = new float[Protocol.MaxTargets];

        /// <summary>The number of the frame; -1: no frame's.</summary>
        public long Q { get; internal set; }

        /// <summary>That frame's time, microseconds.</summary>
        public long T { get; internal set; }

        /// <summary>What is forecast.</summary>
        public Devices Devices { get; internal set; }

        /// <summary>How many horizons each of them has.</summary>
        public int HorizonCount { get; internal set; }

        /// <summary>Index of the most probable target in the scene's order; -1: none.</summary>
        public int TargetIndex { get; internal set; }

        /// <summary>How many probabilities there are.</summary>
        public int ProbabilityCount { get; internal set; }

        /// <summary>The number of the scene that the order is of.</summary>
        public long Scene { get; internal set; }

        /// <summary>The id of the most probable target; empty: none.</summary>
        public string TargetId { get; internal set; } = "";

        internal List<GenlockAction> Actions { get; } = new List<GenlockAction>();

        internal int PoseFloats { get; set; }

        /// <summary>Of a target, by its index in the scene's order.</summary>
        public float Probability(int index)
        {
            return index >= 0 && index < ProbabilityCount ? Shares[index] : 0f;
        }

        /// <summary>A forecast pose in the wire's coordinates.</summary>
        /// <returns>False where there is none, and for several devices at once.</returns>
        public bool TryGetForecast(Devices device, int horizon, out WirePose pose)
        {
            pose = default(WirePose);
            var isOne = (device & (device - 1)) == 0;
            if (!isOne || (Devices & device) == 0 || horizon < 0 || horizon >= HorizonCount)
            {
                return false;
            }
            var before = 0;
            for (var bit = 1; bit < (int)device; bit <<= 1)
            {
                before += ((int)Devices & bit) != 0 ? 1 : 0;
            }
            var at = TrackingFrame.PoseFloats * (before * HorizonCount + horizon);
            pose = new WirePose(
                Poses[at], Poses[at + 1], Poses[at + 2], Poses[at + 3], Poses[at + 4], Poses[at + 5], Poses[at + 6]);
            return true;
        }
    }

    /// <summary>What was wrong with a message.</summary>
    public sealed class DaemonError
    {
        /// <summary>One of <see cref="ErrorCodes"/>, or one that is newer.</summary>
        public string Code = "";

        /// <summary>For people.</summary>
        public string Message = "";

        /// <summary>The type of the message that was refused.</summary>
        public string Of = "";

        /// <summary>Where in it.</summary>
        public string Key = "";

        /// <summary>That message's id.</summary>
        public string Id = "";

        /// <summary>That frame's number; -1: it was none.</summary>
        public long Q = -1;
    }

    /// <summary>What the daemon lets the client know.</summary>
    public sealed class Notice
    {
        /// <summary>One of <see cref="NoticeCodes"/>, or one that is newer.</summary>
        public string Code = "";

        /// <summary>For people.</summary>
        public string Message = "";

        /// <summary>When to try again, milliseconds from when it came.</summary>
        public long RetryMs;

        /// <summary>Of the message that it is about.</summary>
        public string Id = "";
    }

    /// <summary>A word that was heard.</summary>
    public sealed class SpokenWord
    {
        public string Text = "";

        /// <summary>Microseconds of the device's clock.</summary>
        public long Begin;

        /// <summary>Microseconds of the device's clock.</summary>
        public long End;
    }

    /// <summary>What was heard so far of the audio.</summary>
    public sealed class Transcript
    {
        private static readonly IReadOnlyList<SpokenWord> None = new SpokenWord[0];

        public string Text = "";

        /// <summary>Whether the words will not change any more.</summary>
        public bool Final;

        /// <summary>When the speech began, microseconds of the device's clock.</summary>
        public long Time;

        /// <summary>
        /// Of a final one: names what was heard. The actions that come of it have it as <see cref="GenlockAction.Of"/>, and
        /// <see cref="Feedback.Of"/> may name it. Empty: no name.
        /// </summary>
        public string Id = "";

        /// <summary>Of a final one, with their times.</summary>
        public IReadOnlyList<SpokenWord> Words = None;

        /// <summary>How probably the user said it and not somebody else, 0 to 1; null: not known.</summary>
        public double? Speaker;
    }

    internal sealed class Ack
    {
        internal string Id = "";
        internal long Scene;
        internal byte[] Data;
    }
}
