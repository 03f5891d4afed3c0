using System.Collections.Generic;

namespace Genlock
{
    /// <summary>Whether an action is about a target.</summary>
    public enum TargetUse
    {
        None,
        Optional,
        Required,
    }

    /// <summary>What an argument of an action is.</summary>
    public enum ArgumentKind
    {
        /// <summary>One of its values.</summary>
        Choice,
        Number,

        /// <summary>Whatever a phrase leaves open.</summary>
        Text,
    }

    /// <summary>What comes of speech that is not the user's, once the daemon knows the user's voice.</summary>
    public enum Bystanders
    {
        /// <summary>The same as of the user's.</summary>
        Heard,

        /// <summary>Nothing.</summary>
        Ignored,
    }

    /// <summary>Something that an action has to know and that the user says.</summary>
    public sealed class ArgumentInfo
    {
        /// <summary>Its placeholder in phrases and its key in what comes back: letters, digits and _.</summary>
        public string Name = "";
        public ArgumentKind Kind = ArgumentKind.Choice;

        /// <summary>Of a choice.</summary>
        public IList<string> Values = new List<string>();

        /// <summary>Other words for a value.</summary>
        public IDictionary<string, IList<string>> Synonyms = new Dictionary<string, IList<string>>();

        /// <summary>Of a number.</summary>
        public double Minimum = -1e9;

        /// <summary>Of a number.</summary>
        public double Maximum = 1e9;

        /// <summary>Of a number, as people say it.</summary>
        public string Unit = "";

        /// <summary>Whether the action waits until it was said.</summary>
        public bool Required;

        /// <summary>What holds where it was not said; empty: nothing.</summary>
        public string DefaultText = "";

        /// <summary>The same of a number.</summary>
        public double? DefaultNumber;
    }

    /// <summary>Something that the app can do.</summary>
    public sealed class ActionInfo
    {
        /// <summary>What comes back as <see cref="GenlockAction.Name"/>; no two are the same.</summary>
        public string Name = "";

        /// <summary>What users say for it; {target} and {argument} are placeholders.</summary>
        public IList<string> Phrases = new List<string>();
        public TargetUse Target = TargetUse.None;
        public IList<ArgumentInfo> Arguments = new List<ArgumentInfo>();

        /// <summary>Gestures that mean it, built in or taught; * is any that no other action has.</summary>
        public IList<string> Gestures = new List<string>();

        /// <summary>Things that mean it when they come into sight, by name; * is any that no other action has.</summary>
        public IList<string> Sees = new List<string>();
    }

    /// <summary>A thing that can be seen, beside what the daemon knows and what users teach.</summary>
    public sealed class ObjectInfo
    {
        /// <summary>1 to 128 characters; no two are the same, case aside.</summary>
        public string Name = "";

        /// <summary>1 to 16 JPEG or PNG files of it. They go with the hello, which has 64 KiB in all.</summary>
        public IList<byte[]> Examples = new List<byte[]>();
    }

    /// <summary>The application.</summary>
    public sealed class AppInfo
    {
        /// <summary>The same in all its versions.</summary>
        public string Name = "";
        public string Version = "";

        /// <summary>How sure of an action one must be, 0 to 1.</summary>
        public double Confidence = 0.5;

        /// <summary>Empty: what the daemon was given for an app of this name.</summary>
        public IList<ActionInfo> Actions = new List<ActionInfo>();

        /// <summary>Whether anything may be learned of its users.</summary>
        public bool Learn = true;

        /// <summary>What comes of what others say.</summary>
        public Bystanders Bystanders = Bystanders.Heard;

        /// <summary>What users may show, up to 64 things.</summary>
        public IList<ObjectInfo> Objects = new List<ObjectInfo>();
    }

    /// <summary>What the session runs on; for the daemon's log.</summary>
    public sealed class DeviceInfo
    {
        public string Name = "";
        public string Runtime = "";
        public string Engine = "";
        public string Plugin = Protocol.Plugin;
    }
}
