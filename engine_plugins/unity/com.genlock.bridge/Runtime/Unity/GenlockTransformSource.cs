using UnityEngine;

namespace Genlock
{
    /// <summary>A part of the user that has one pose.</summary>
    public enum PosePart
    {
        Head = Parts.Head,
        Gaze = Parts.Gaze,
        LeftAim = Parts.LeftAim,
        RightAim = Parts.RightAim,
        LeftGrip = Parts.LeftGrip,
        RightGrip = Parts.RightGrip,
    }

    /// <summary>
    /// A part of the user that follows a transform: for rigs whose controllers are moved by other means, and for trying things
    /// out without a headset.
    /// </summary>
    [AddComponentMenu("Genlock/Genlock Transform Source")]
    public sealed class GenlockTransformSource : GenlockTrackingSource
    {
        [Tooltip("What follows the transform: RightAim for something that points, LeftGrip for something that is held.")]
        [SerializeField] private PosePart part = PosePart.RightAim;

        [Tooltip("What is followed. Its z axis points.")]
        [SerializeField] private Transform follows;

        private GenlockClient _client;

        /// <summary>What follows the transform.</summary>
        public PosePart Part
        {
            get { return part; }
            set { part = value; }
        }

        /// <summary>What is followed.</summary>
        public Transform Follows
        {
            get { return follows; }
            set { follows = value; }
        }

        /// <inheritdoc/>
        public override void Track(TrackingFrame frame)
        {
            if (_client == null)
            {
                _client = GetComponentInParent<GenlockClient>();
            }
            if (follows != null && follows.gameObject.activeInHierarchy)
            {
                var space = _client == null ? null : _client.TrackingSpace;
                frame.SetPose((Parts)part, Coordinates.ToWire(space, follows.position, follows.rotation));
            }
        }
    }
}
