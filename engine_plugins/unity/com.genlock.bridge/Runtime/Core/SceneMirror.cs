using System.Collections.Generic;

namespace Genlock
{
    /// <summary>
    /// The scene as the daemon has it once everything has arrived, and the orders of the last scenes by their numbers.
    /// </summary>
    internal sealed class SceneMirror
    {
        private const int KeptOrders = 64;

        private readonly List<Target> _targets = new List<Target>();
        private readonly Dictionary<long, string[]> _orders = new Dictionary<long, string[]>();

        internal IList<Target> Targets
        {
            get { return _targets; }
        }

        internal bool WasSet { get; private set; }

        internal void Replace(IList<Target> targets)
        {
            CheckIds(targets);
            CheckCount(targets.Count);
            _targets.Clear();
            _targets.AddRange(targets);
            WasSet = true;
        }

        internal void Update(IList<Target> changed, IList<string> removed)
        {
            CheckIds(changed);
            var after = new List<Target>(_targets);
            after.RemoveAll(target => removed.Contains(target.Id));
            foreach (var target in changed)
            {
                var at = after.FindIndex(there => there.Id == target.Id);
                if (at >= 0)
                {
                    after[at] = target;
                }
                else
                {
                    after.Add(target);
                }
            }
            CheckCount(after.Count);
            _targets.Clear();
            _targets.AddRange(after);
            WasSet = true;
        }

        internal string[] Order()
        {
            var order = new string[_targets.Count];
            for (var i = 0; i < order.Length; i++)
            {
                order[i] = _targets[i].Id;
            }
            return order;
        }

        internal void Numbered(long scene, string[] order)
        {
            _orders[scene] = order;
            _orders.Remove(scene - KeptOrders);
        }

        internal void ForgetNumbers()
        {
            _orders.Clear();
        }

        /// <summary>The id of a target; empty: the scene is not known, or there is none.</summary>
        internal string IdOf(long scene, int index)
        {
            string[] order;
            return index >= 0 && _orders.TryGetValue(scene, out order) && index < order.Length ? order[index] : "";
        }

        private static void CheckIds(IList<Target> targets)
        {
            var ids = new HashSet<string>();
            foreach (var target in targets)
            {
                if (string.IsNullOrEmpty(target.Id) || target.Id.Length > 128)
                {
                    throw new GenlockException(
                        ErrorCodes.Invalid, "a target's id must have 1 to 128 characters: \"" + target.Id + "\"", "targets");
                }
                if (!ids.Add(target.Id))
                {
                    throw new GenlockException(
                        ErrorCodes.Invalid, "two targets have the id \"" + target.Id + "\"; give each its own", "targets");
                }
            }
        }

        private static void CheckCount(int count)
        {
            if (count > Protocol.MaxTargets)
            {
                throw new GenlockException(
                    ErrorCodes.Invalid,
                    count + " targets; a scene may have " + Protocol.MaxTargets + ". Leave out those that are far away.",
                    "targets");
            }
        }
    }
}
