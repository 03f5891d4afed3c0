using System;
using System.Collections.Generic;
using UnityEngine;
using UnityEngine.Events;

namespace Genlock
{
    /// <summary>A thing that can be looked at, pointed at or named.</summary>
    [AddComponentMenu("Genlock/Genlock Target")]
    [DisallowMultipleComponent]
    public sealed class GenlockTarget : GenlockBehaviour
    {
        private const float Centimetre = 0.01f;
        private const int LongestId = 128;

        [Tooltip("The app's own name for it, the same each time the app runs. Empty: its path in the hierarchy, with numbers where siblings have one name.")]
        [SerializeField] private string id = "";

        [Tooltip("What people call it. Empty: the object's name.")]
        [SerializeField] private string displayName = "";

        [Tooltip("What else people call it, up to 16.")]
        [SerializeField] private List<string> aliases = new List<string>();

        [Tooltip("Whose box is the target's. Empty: this object's renderer or collider, or those below it.")]
        [SerializeField] private Renderer shape;

        [SerializeField] private PhaseEvents phases = new PhaseEvents();
        [SerializeField] private UnityEvent onEnter = new UnityEvent();
        [SerializeField] private UnityEvent onLeave = new UnityEvent();

        private string _id = "";
        private string _name = "";
        private Renderer[] _renderers = new Renderer[0];
        private Collider[] _colliders = new Collider[0];

        /// <summary>An action about this target, in any phase.</summary>
        public event Action<GenlockAction> ActionReceived;

        /// <summary>The app's own name for it. It cannot change while the target is enabled.</summary>
        public string Id
        {
            get { return _id.Length > 0 ? _id : id.Length > 0 ? id : PathOf(transform); }
            set { id = value ?? ""; }
        }

        /// <summary>What people call it.</summary>
        public string DisplayName
        {
            get
            {
                return displayName.Length > 0 ? displayName : name;
            }

            set
            {
                displayName = value ?? "";
                _name = DisplayName;
            }
        }

        /// <summary>What else people call it.</summary>
        public IList<string> Aliases
        {
            get { return aliases; }
        }

        /// <summary>An action about it waits for more.</summary>
        public ActionEvent OnStarted
        {
            get { return phases.OnStarted; }
        }

        /// <summary>An action is to be done with it.</summary>
        public ActionEvent OnPerformed
        {
            get { return phases.OnPerformed; }
        }

        /// <summary>What was started ends without being done.</summary>
        public ActionEvent OnCanceled
        {
            get { return phases.OnCanceled; }
        }

        /// <summary>It became the client's current target.</summary>
        public UnityEvent OnEnter
        {
            get { return onEnter; }
        }

        /// <summary>It is no longer the client's current target.</summary>
        public UnityEvent OnLeave
        {
            get { return onLeave; }
        }

        /// <summary>As it is sent; the one of before where nothing changed by a centimetre or more.</summary>
        internal Target Describe(Transform trackingSpace, Target before)
        {
            Vector3 centre, size;
            Box(trackingSpace, out centre, out size);
            if (before != null && before.Name == _name && SameWords(before.Aliases) && IsNear(before, centre, size))
            {
                return before;
            }
            return new Target
            {
                Id = Id,
                Name = _name,
                Aliases = aliases.ToArray(),
                X = centre.x,
                Y = centre.y,
                Z = -centre.z,
                Width = size.x,
                Height = size.y,
                Depth = size.z,
            };
        }

        internal void Take(GenlockAction action)
        {
            Handlers.Call(ActionReceived, action, this);
            phases.Raise(action);
        }

        internal void Enter()
        {
            onEnter.Invoke();
        }

        internal void Leave()
        {
            onLeave.Invoke();
        }

        internal override void Attach(GenlockClient of)
        {
            _id = id.Length > 0 ? id : FreePath(of);
            // Unity makes a new string each time that an object's name is asked for.
            _name = DisplayName;
            _renderers = shape != null ? new[] { shape } : GetComponentsInChildren<Renderer>();
            _colliders = _renderers.Length > 0 ? new Collider[0] : GetComponentsInChildren<Collider>();
            of.Add(this);
        }

        internal override void Detach(GenlockClient of)
        {
            of.Remove(this);
            _id = "";
        }

        /// <summary>The box around it along the tracking space's axes: of the eight corners of its box in the world.</summary>
        private void Box(Transform trackingSpace, out Vector3 centre, out Vector3 size)
        {
            var world = WorldBounds();
            if (trackingSpace == null)
            {
                centre = world.center;
                size = world.size;
                return;
            }
            var box = new Bounds(trackingSpace.InverseTransformPoint(world.center), Vector3.zero);
            for (var corner = 0; corner < 8; corner++)
            {
                var offset = new Vector3(
                    (corner & 1) == 0 ? -world.extents.x : world.extents.x,
                    (corner & 2) == 0 ? -world.extents.y : world.extents.y,
                    (corner & 4) == 0 ? -world.extents.z : world.extents.z);
                box.Encapsulate(trackingSpace.InverseTransformPoint(world.center + offset));
            }
            centre = box.center;
            size = box.size;
        }

        private Bounds WorldBounds()
        {
            var any = false;
            var bounds = new Bounds(transform.position, new Vector3(0.1f, 0.1f, 0.1f));
            for (var i = 0; i < _renderers.Length; i++)
            {
                if (_renderers[i] != null)
                {
                    Join(ref bounds, _renderers[i].bounds, ref any);
                }
            }
            for (var i = 0; i < _colliders.Length; i++)
            {
                if (_colliders[i] != null)
                {
                    Join(ref bounds, _colliders[i].bounds, ref any);
                }
            }
            return bounds;
        }

        private static void Join(ref Bounds all, Bounds one, ref bool any)
        {
            if (any)
            {
                all.Encapsulate(one);
            }
            else
            {
                all = one;
                any = true;
            }
        }

        private bool SameWords(IList<string> before)
        {
            if (before.Count != aliases.Count)
            {
                return false;
            }
            for (var i = 0; i < aliases.Count; i++)
            {
                if (before[i] != aliases[i])
                {
                    return false;
                }
            }
            return true;
        }

        private static bool IsNear(Target before, Vector3 centre, Vector3 size)
        {
            return Mathf.Abs(before.X - centre.x) < Centimetre && Mathf.Abs(before.Y - centre.y) < Centimetre
                && Mathf.Abs(before.Z + centre.z) < Centimetre && Mathf.Abs(before.Width - size.x) < Centimetre
                && Mathf.Abs(before.Height - size.y) < Centimetre && Mathf.Abs(before.Depth - size.z) < Centimetre;
        }

        /// <summary>
        /// Its path, with a number where another target has taken that: two roots of one name, or a sibling that moved up when
        /// another was destroyed.
        /// </summary>
        private string FreePath(GenlockClient of)
        {
            var path = PathOf(transform);
            var free = path;
            for (var number = transform.GetSiblingIndex(); of.FindTarget(free) != null && of.FindTarget(free) != this; number++)
            {
                free = Last(path + "[" + number + "]");
            }
            return free;
        }

        private static string PathOf(Transform of)
        {
            var path = NameOf(of);
            for (var above = of.parent; above != null; above = above.parent)
            {
                path = NameOf(above) + "/" + path;
            }
            return Last(path);
        }

        /// <summary>
        /// With its place among its siblings, where another of them has the same name. A scene that still loads does not tell its
        /// roots.
        /// </summary>
        private static string NameOf(Transform one)
        {
            var name = one.name;
            for (var i = 0; one.parent != null && i < one.parent.childCount; i++)
            {
                var other = one.parent.GetChild(i);
                if (other != one && other.name == name)
                {
                    return name + "[" + one.GetSiblingIndex() + "]";
                }
            }
            return name;
        }

        private static string Last(string path)
        {
            return path.Length > LongestId ? path.Substring(path.Length - LongestId) : path;
        }
    }
}
