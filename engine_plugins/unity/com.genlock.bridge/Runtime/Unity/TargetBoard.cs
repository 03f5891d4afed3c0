using System.Collections.Generic;
using System.Threading.Tasks;
using UnityEngine;

namespace Genlock
{
    /// <summary>
    /// Keeps the daemon's scene like the app's: the whole at first, then what was added, removed, renamed or moved, at most ten
    /// times a second. What a daemon would not take is left out and told once: beyond 64 targets or 64 KiB those that came last.
    /// </summary>
    internal sealed class TargetBoard
    {
        private const float EverySeconds = 0.1f;

        /// <summary>After a scene that could not be sent or was refused for no one target.</summary>
        private const float PauseSeconds = 5f;

        private readonly List<GenlockTarget> _targets = new List<GenlockTarget>();
        private readonly Dictionary<string, GenlockTarget> _byId = new Dictionary<string, GenlockTarget>();
        private readonly List<Waiting> _waiting = new List<Waiting>();
        private readonly Dictionary<string, Target> _sent = new Dictionary<string, Target>();
        private readonly HashSet<string> _refused = new HashSet<string>();
        private readonly HashSet<string> _told = new HashSet<string>();
        private readonly HashSet<string> _kept = new HashSet<string>();
        private readonly List<Target> _changed = new List<Target>();
        private readonly List<string> _removed = new List<string>();
        private GenlockSession _session;
        private bool _isWholeSent;
        private bool _warned;
        private float _next;

        internal void Begin(GenlockSession session)
        {
            _session = session;
            _session.SceneRefused += TakeRefusal;
            _isWholeSent = false;
            _sent.Clear();
            _refused.Clear();
            _told.Clear();
            _next = 0f;
        }

        /// <summary>
        /// One whose id another has waits until that goes: what is destroyed stays enabled to the end of the frame, and what takes
        /// its place may be there before.
        /// </summary>
        internal void Add(GenlockTarget target)
        {
            GenlockTarget there;
            if (_byId.TryGetValue(target.Id, out there) && there != target)
            {
                if (!_waiting.Exists(waiting => waiting.Target == target))
                {
                    _waiting.Add(new Waiting { Target = target, SinceFrame = Time.frameCount });
                }
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
            _waiting.RemoveAll(waiting => waiting.Target == target);
            if (!_targets.Remove(target))
            {
                return;
            }
            _byId.Remove(target.Id);
            _refused.Remove(target.Id);
            _told.Remove(target.Id);
            var next = _waiting.Find(waiting => waiting.Target.Id == target.Id);
            if (next != null)
            {
                _waiting.Remove(next);
                Add(next.Target);
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
            Compare(trackingSpace);
            if (_isWholeSent && _changed.Count == 0 && _removed.Count == 0)
            {
                return;
            }
            try
            {
                Forget(
                    _isWholeSent
                        ? _session.UpdateSceneAsync(_changed.ToArray(), _removed.ToArray())
                        : _session.SetSceneAsync(_changed.ToArray()));
            }
            catch (GenlockException problem)
            {
                _next = now + PauseSeconds;
                if (problem.Code != ErrorCodes.Closed)
                {
                    Debug.LogWarning("Genlock: the targets could not be sent: " + problem.Message);
                }
                return;
            }
            Commit();
        }

        /// <summary>Finds what is other than what was sent.</summary>
        private void Compare(Transform trackingSpace)
        {
            _changed.Clear();
            _removed.Clear();
            _kept.Clear();
            TellWaiting();
            var bytes = 0;
            for (var i = 0; i < _targets.Count; i++)
            {
                if (_targets[i] == null || _refused.Contains(_targets[i].Id))
                {
                    continue;
                }
                if (_kept.Count == Protocol.MaxTargets)
                {
                    Warn();
                    break;
                }
                Target before;
                _sent.TryGetValue(_targets[i].Id, out before);
                var target = _targets[i].Describe(trackingSpace, before);
                var mistake = target == before ? "" : SceneMirror.Mistake(target);
                bytes += SceneMirror.BytesOf(target);
                if (mistake.Length == 0 && bytes > Protocol.MaxSceneBytes)
                {
                    mistake = "with the target \"" + target.Id + "\" the scene has more than 64 KiB; shorten names and aliases";
                }
                if (mistake.Length > 0)
                {
                    bytes -= SceneMirror.BytesOf(target);
                    Tell(_targets[i], mistake);
                    continue;
                }
                _kept.Add(target.Id);
                if (target != before)
                {
                    _changed.Add(target);
                }
            }
            foreach (var id in _sent.Keys)
            {
                if (!_kept.Contains(id))
                {
                    _removed.Add(id);
                }
            }
        }

        private void Commit()
        {
            _isWholeSent = true;
            foreach (var id in _removed)
            {
                _sent.Remove(id);
            }
            foreach (var target in _changed)
            {
                _sent[target.Id] = target;
            }
        }

        /// <summary>The whole is sent again without the target that was refused.</summary>
        private void TakeRefusal(string id)
        {
            _isWholeSent = false;
            _sent.Clear();
            var target = Find(id);
            if (target == null)
            {
                _next = Time.unscaledTime + PauseSeconds;
                return;
            }
            _refused.Add(id);
            Tell(target, "the daemon refused the target \"" + id + "\"");
        }

        /// <summary>A refusal comes as an event; nobody waits for the task.</summary>
        private static void Forget(Task task)
        {
            task.ContinueWith(done => done.Exception, TaskContinuationOptions.OnlyOnFaulted);
        }

        /// <summary>In a later frame the other is there to stay.</summary>
        private void TellWaiting()
        {
            foreach (var waiting in _waiting)
            {
                if (!waiting.IsTold && waiting.SinceFrame != Time.frameCount)
                {
                    waiting.IsTold = true;
                    Debug.LogError(
                        "Genlock: two targets have the id \"" + waiting.Target.Id + "\"; give each its own. One is left out.",
                        waiting.Target);
                }
            }
        }

        private void Tell(GenlockTarget target, string mistake)
        {
            if (_told.Add(target.Id))
            {
                Debug.LogError("Genlock: " + mistake + ". It is left out.", target);
            }
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

        /// <summary>A target whose id another has.</summary>
        private sealed class Waiting
        {
            internal GenlockTarget Target;
            internal int SinceFrame;
            internal bool IsTold;
        }
    }
}
