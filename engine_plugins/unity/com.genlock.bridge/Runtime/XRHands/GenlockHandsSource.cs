using System.Collections.Generic;
using UnityEngine;
using UnityEngine.XR.Hands;

namespace Genlock
{
    /// <summary>The 26 joints of both hands from the XR Hands package.</summary>
    [AddComponentMenu("Genlock/Genlock Hands Source")]
    public sealed class GenlockHandsSource : GenlockTrackingSource
    {
        private readonly List<XRHandSubsystem> _subsystems = new List<XRHandSubsystem>();
        private readonly WirePose[] _joints = new WirePose[Protocol.Joints];
        private XRHandSubsystem _hands;
        private float _nextLook;

        /// <inheritdoc/>
        public override void Track(TrackingFrame frame)
        {
            Look();
            if (_hands == null || !_hands.running)
            {
                return;
            }
            Hand(frame, Parts.LeftHand, _hands.leftHand);
            Hand(frame, Parts.RightHand, _hands.rightHand);
        }

        /// <summary>The subsystem comes with the headset and may go with it; looking for it is done once a second.</summary>
        private void Look()
        {
            if ((_hands != null && _hands.running) || Time.unscaledTime < _nextLook)
            {
                return;
            }
            _nextLook = Time.unscaledTime + 1f;
            SubsystemManager.GetSubsystems(_subsystems);
            _hands = _subsystems.Find(subsystem => subsystem.running);
        }

        private void Hand(TrackingFrame frame, Parts part, XRHand hand)
        {
            if (!hand.isTracked)
            {
                return;
            }
            for (var i = 0; i < _joints.Length; i++)
            {
                Pose pose;
                if (!hand.GetJoint(XRHandJointIDUtility.FromIndex(Joint(i))).TryGetPose(out pose))
                {
                    return;
                }
                _joints[i] = Coordinates.ToWire(pose.position, pose.rotation);
            }
            frame.SetHand(part, _joints);
        }

        /// <summary>Unity's order begins with the wrist and then the palm, the wire's with the palm.</summary>
        private static int Joint(int wire)
        {
            return wire == 0 ? XRHandJointID.Palm.ToIndex() : wire == 1 ? XRHandJointID.Wrist.ToIndex() : wire;
        }
    }
}
