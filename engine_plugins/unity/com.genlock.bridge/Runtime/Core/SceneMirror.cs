using System;
using System.Collections.Generic;
using System.Text;

namespace Genlock
{
    /// <summary>What a scene message does to the scene.</summary>
    internal sealed class SceneEdit
    {
        internal SceneEdit(IList<Target> changed, IList<string> removed, bool isWhole)
        {
            Changed = new List<Target>(changed);
            Removed = new List<string>(removed);
            IsWhole = isWhole;
        }

        /// <summary>In the order of the message.</summary>
        internal List<Target> Changed { get; }

        internal List<string> Removed { get; }

        /// <summary>Whether it replaces all that was there.</summary>
        internal bool IsWhole { get; }

        /// <summary>The id of the target that a refusal's key leads to; empty: to none.</summary>
        internal string IdAt(string key)
        {
            const string Before = "targets[";
            var end = key.IndexOf(']');
            int index;
            if (!key.StartsWith(Before, StringComparison.Ordinal) || end < 0
                || !int.TryParse(key.Substring(Before.Length, end - Before.Length), out index))
            {
                return "";
            }
            return index >= 0 && index < Changed.Count ? Changed[index].Id : "";
        }

        internal void Apply(List<Target> to)
        {
            if (IsWhole)
            {
                to.Clear();
            }
            to.RemoveAll(target => Removed.Contains(target.Id));
            foreach (var target in Changed)
            {
                var at = to.FindIndex(there => there.Id == target.Id);
                if (at >= 0)
                {
                    to[at] = target;
                }
                else
                {
                    to.Add(target);
                }
            }
        }
    }

    /// <summary>
    /// The scene as the daemon has it, and as it will have it once everything has arrived; and the orders of the last scenes by
    /// their numbers. What the daemon refused is in neither.
    /// </summary>
    internal sealed class SceneMirror
    {
        private const int KeptOrders = 64;
        private const int LongestId = 128;
        private const int LongestName = 256;
        private const int MostAliases = 16;
        private const float Farthest = 10000f;

        private readonly List<Target> _accepted = new List<Target>();
        private readonly List<Target> _targets = new List<Target>();
        private readonly List<SceneEdit> _pending = new List<SceneEdit>();
        private readonly Dictionary<long, string[]> _orders = new Dictionary<long, string[]>();

        /// <summary>Once everything has arrived.</summary>
        internal IList<Target> Targets
        {
            get { return _targets; }
        }

        internal bool WasSet { get; private set; }

        /// <summary>Whether a daemon would take the scene after an edit.</summary>
        /// <exception cref="GenlockException">It would not.</exception>
        internal void Check(SceneEdit edit)
        {
            var ids = new HashSet<string>();
            for (var i = 0; i < edit.Changed.Count; i++)
            {
                var target = edit.Changed[i];
                var mistake = Mistake(target);
                if (mistake.Length > 0)
                {
                    throw new GenlockException(ErrorCodes.Invalid, mistake, "targets[" + i + "]");
                }
                if (!ids.Add(target.Id))
                {
                    throw new GenlockException(
                        ErrorCodes.Invalid, "two targets have the id \"" + target.Id + "\"; give each its own", "targets");
                }
            }
            var after = new List<Target>(_targets);
            edit.Apply(after);
            CheckCount(after);
        }

        /// <summary>It was sent, or will be.</summary>
        internal void Begin(SceneEdit edit)
        {
            _pending.Add(edit);
            edit.Apply(_targets);
            WasSet = true;
        }

        /// <summary>The daemon has it, as the scene of this number.</summary>
        internal void Accept(SceneEdit edit, long scene)
        {
            edit.Apply(_accepted);
            var order = new string[_accepted.Count];
            for (var i = 0; i < order.Length; i++)
            {
                order[i] = _accepted[i].Id;
            }
            _orders[scene] = order;
            _orders.Remove(scene - KeptOrders);
            Drop(edit);
        }

        /// <summary>The daemon will never have it.</summary>
        internal void Refuse(SceneEdit edit)
        {
            Drop(edit);
        }

        /// <summary>The daemon has no scene: the edit that stands for all that was begun.</summary>
        internal SceneEdit Anew()
        {
            var whole = new SceneEdit(_targets, new string[0], true);
            _accepted.Clear();
            _orders.Clear();
            _pending.Clear();
            _pending.Add(whole);
            return whole;
        }

        /// <summary>The id of a target; empty: the scene is not known, or there is none.</summary>
        internal string IdOf(long scene, int index)
        {
            string[] order;
            return index >= 0 && _orders.TryGetValue(scene, out order) && index < order.Length ? order[index] : "";
        }

        /// <summary>Why no daemon would take this target, in a sentence; empty: it would.</summary>
        internal static string Mistake(Target target)
        {
            if (string.IsNullOrEmpty(target.Id) || target.Id.Length > LongestId)
            {
                return "a target's id must have 1 to " + LongestId + " characters: \"" + target.Id + "\"";
            }
            if (target.Name != null && target.Name.Length > LongestName)
            {
                return "the name of the target \"" + target.Id + "\" has more than " + LongestName + " characters";
            }
            if (target.Aliases.Count > MostAliases)
            {
                return "the target \"" + target.Id + "\" has " + target.Aliases.Count + " aliases; it may have " + MostAliases;
            }
            for (var i = 0; i < target.Aliases.Count; i++)
            {
                if (target.Aliases[i].Length > LongestName)
                {
                    return "an alias of the target \"" + target.Id + "\" has more than " + LongestName + " characters";
                }
            }
            // NaN compares false with everything.
            var isNear = Math.Abs(target.X) <= Farthest && Math.Abs(target.Y) <= Farthest && Math.Abs(target.Z) <= Farthest;
            if (!isNear)
            {
                return "the target \"" + target.Id + "\" is more than " + Farthest + " m away from the origin, or nowhere";
            }
            var isSized = IsLength(target.Width) && IsLength(target.Height) && IsLength(target.Depth);
            return isSized ? "" : "an edge of the target \"" + target.Id + "\" is not from 0 to " + Farthest + " m long";
        }

        /// <summary>The most bytes that a target has in a message.</summary>
        internal static int BytesOf(Target target)
        {
            const int Frame = 128;
            const int Header = 5;
            var bytes = Frame + Encoding.UTF8.GetByteCount(target.Id) + Encoding.UTF8.GetByteCount(target.Name ?? "");
            for (var i = 0; i < target.Aliases.Count; i++)
            {
                bytes += Header + Encoding.UTF8.GetByteCount(target.Aliases[i]);
            }
            return bytes;
        }

        private static bool IsLength(float metres)
        {
            return metres >= 0f && metres <= Farthest;
        }

        /// <summary>An edit waits no more: those that do lie on what the daemon has.</summary>
        private void Drop(SceneEdit edit)
        {
            _pending.Remove(edit);
            _targets.Clear();
            _targets.AddRange(_accepted);
            foreach (var waiting in _pending)
            {
                waiting.Apply(_targets);
            }
        }

        private static void CheckCount(List<Target> targets)
        {
            if (targets.Count > Protocol.MaxTargets)
            {
                throw new GenlockException(
                    ErrorCodes.Invalid,
                    targets.Count + " targets; a scene may have " + Protocol.MaxTargets + ". Leave out those that are far away.",
                    "targets");
            }
            // After a restart of the daemon the whole scene goes in one message.
            var bytes = 0;
            foreach (var target in targets)
            {
                bytes += BytesOf(target);
            }
            if (bytes > Protocol.MaxSceneBytes)
            {
                throw new GenlockException(
                    ErrorCodes.TooBig, "the scene is longer than " + Protocol.MaxSceneBytes + " bytes. Shorten names and aliases.",
                    "targets");
            }
        }
    }
}
