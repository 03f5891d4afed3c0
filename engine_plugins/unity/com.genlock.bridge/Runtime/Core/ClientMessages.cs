using System.Collections.Generic;

namespace Genlock
{
    /// <summary>A thing in the scene that can be looked at, pointed at or named: a box along the tracking space's axes.</summary>
    public sealed class Target
    {
        /// <summary>The app's own name for it, 1 to 128 characters.</summary>
        public string Id = "";

        /// <summary>Centre in the wire's coordinates, metres.</summary>
        public float X;
        public float Y;
        public float Z;

        /// <summary>Edges, metres.</summary>
        public float Width = 0.1f;
        public float Height = 0.1f;
        public float Depth = 0.1f;

        /// <summary>What people call it.</summary>
        public string Name = "";

        /// <summary>What else they call it, up to 16.</summary>
        public IList<string> Aliases = new List<string>();
    }

    /// <summary>What is taught.</summary>
    public enum TeachKind
    {
        Phrase,
        Gesture,
        Object,
        Name,
    }

    /// <summary>What moves in a gesture that is taught.</summary>
    public enum GestureDevice
    {
        None,
        Head,
        Left,
        Right,
        LeftHand,
        RightHand,
    }

    /// <summary>What feedback says.</summary>
    public enum Verdict
    {
        /// <summary>That was right.</summary>
        Confirm,

        /// <summary>This is what was meant.</summary>
        Correct,

        /// <summary>Take it back.</summary>
        Undo,
    }

    /// <summary>What the user wants done with what was learned.</summary>
    public enum ProfileOperation
    {
        Export,
        Import,

        /// <summary>Nothing of the user stays.</summary>
        Erase,

        /// <summary>Forgets what was learned of a kind and goes on learning.</summary>
        Reset,
        PauseLearning,
        ResumeLearning,
    }

    /// <summary>A part of what was learned.</summary>
    public enum ProfileKind
    {
        All,
        Forecast,
        Target,
        Gesture,
        Phrase,
        Name,
        Object,

        /// <summary>What the user's voice is like.</summary>
        Voice,
    }

    /// <summary>How a picture is laid.</summary>
    public enum ImageFormat
    {
        Jpeg,
        Png,

        /// <summary>A byte each of red, green and blue, rows from the top.</summary>
        Rgb,
    }

    /// <summary>What the user really meant.</summary>
    public sealed class Feedback
    {
        public Verdict Verdict;

        /// <summary>With <see cref="Genlock.Verdict.Correct"/>: the action that was meant; empty: none.</summary>
        public string Action = "";

        /// <summary>The id of the target that was meant.</summary>
        public string Target = "";

        /// <summary>The number of the action that this is about; 0: none.</summary>
        public long ActionNumber;

        /// <summary>The id of the message that this is about, or of a final <see cref="Transcript"/>.</summary>
        public string Of = "";
    }

    internal sealed class Hello
    {
        internal string Version = Protocol.Version;
        internal AppInfo App = new AppInfo();
        internal string User = "";
        internal string Token = "";
        internal DeviceInfo Device = new DeviceInfo();
        internal double RefreshHz = 90.0;
        internal IList<string> Streams = new List<string> { "frame" };
        internal IList<double> HorizonsMs = new List<double> { 50.0, 100.0 };
        internal string Resume;
        internal long LastN = -1;
    }

    internal sealed class Teach
    {
        internal TeachKind Kind;
        internal string Name = "";
        internal string Phrase = "";
        internal string Target = "";
        internal GestureDevice Device = GestureDevice.None;
        internal IList<byte[]> Examples = new List<byte[]>();
    }
}
