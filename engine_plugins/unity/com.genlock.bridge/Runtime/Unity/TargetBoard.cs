using System.Collections.Generic;
using System.Threading.Tasks;
using UnityEngine;

namespace Genlock
{
    /// <summary>
    /// Keeps the daemon's scene like the app's: the whole at first, then what was added, removed, renamed or moved, at most ten
    /// times a second. Beyond 64 targets those that came last are left out, with a warning.
    /// </summary>
    internal sealed class TargetBoard
    {
        private const float EverySeconds = 0.1f;

        private readonly List<GenlockTarget> _targets = new List<GenlockTarget>();
        private readonly Dictionary<string, GenlockTarget> _byId = new Dictionary<string, GenlockTarget>();
        private readonly Dictionary<string, Target> _sent = new Dictionary<string, Target>();
        private readonly List<Target> _changed = new List<Target>();
        private readonly List<string> _removed = new List<string>();
        private GenlockSession _session;
        private bool _isWholeSent;
        private bool _warned;
        private float _next;

        internal void Begin(GenlockSession session)
        {
            _session = session;
            _isWholeSent = false;
            _sent.Clear();
            _next = 0f;
        }

        internal void Add(GenlockTarget target)
        {
            GenlockTarget there;
            if (_byId.TryGetValue(target.Id, out there) && there != target)
            {
                Debug.LogError("Genlock: two targets have the id \"" + target.Id + "\"; give each its own", target);
                return;
            }
            if (!_targets.Contains(target))
            {
                _targets.Add(target);
                _byId[target.Id] = target;
            }
        }

        internal void Remove(GenlockTarget target)
        {
            if (_targets.Remove(target))
            {
                _byId.Remove(target.Id);
            }
        }

        internal GenlockTarget Find(string id)
        {
            GenlockTarget target;
            return !string.IsNullOrEmpty(id) && _byId.TryGetValue(id, out target) ? target : null;
        }

        /// <summary>Sends what is different by now.</summary>
        internal void Send(Transform trackingSpace, float now)
        {
            if (now < _next)
            {
                return;
            }
            _next = now + EverySeconds;
            _changed.Clear();
            _removed.Clear();
            var count = 0;
            for (var i = 0; i < _targets.Count; i++)
            {
                if (_targets[i] == null)
                {
                    continue;
                }
                if (++count > Protocol.MaxTargets)
                {
                    Warn();
                    break;
                }
                Target before;
                _sent.TryGetValue(_targets[i].Id, out before);
                var target = _targets[i].Describe(trackingSpace, before);
                if (target != before)
                {
                    _changed.Add(target);
                }
            }
            foreach (var id in _sent.Keys)
            {
                if (Find(id) == null)
                {
                    _removed.Add(id);
                }
            }
            Commit();
        }

        private void Commit()
        {
            if (_isWholeSent && _changed.Count == 0 && _removed.Count == 0)
            {
                return;
            }
            foreach (var id in _removed)
            {
                _sent.Remove(id);
            }
            foreach (var target in _changed)
            {
                _sent[target.Id] = target;
            }
            Forget(
                _isWholeSent
                    ? _session.UpdateSceneAsync(_changed.ToArray(), _removed.ToArray())
                    : _session.SetSceneAsync(_changed.ToArray()));
            _isWholeSent = true;
        }

        /// <summary>A refusal comes as an error event; nobody waits for the task.</summary>
        private static void Forget(Task task)
        {
            task.ContinueWith(done => done.Exception, TaskContinuationOptions.OnlyOnFaulted);
        }

        private void Warn()
        {
            if (!_warned)
            {
                _warned = true;
                Debug.LogWarning(
                    "Genlock: more than " + Protocol.MaxTargets + " targets are enabled; those that came last are left out");
            }
        }
    }
}
