using System.Collections.Generic;
using UnityEngine;
using UnityEngine.XR;

namespace Genlock
{
    /// <summary>Controllers and eyes from Unity's XR input, which every XR plug-in fills. No other package is needed.</summary>
    [AddComponentMenu("Genlock/Genlock XR Source")]
    public sealed class GenlockXRSource : GenlockTrackingSource
    {
        private static readonly InputFeatureUsage<Vector3> PointerPosition = new InputFeatureUsage<Vector3>("PointerPosition");

        private static readonly InputFeatureUsage<Quaternion> PointerRotation =
            new InputFeatureUsage<Quaternion>("PointerRotation");

        private static readonly InputFeatureUsage<Vector3> GazePosition = new InputFeatureUsage<Vector3>("gazePosition");
        private static readonly InputFeatureUsage<Quaternion> GazeRotation = new InputFeatureUsage<Quaternion>("gazeRotation");

        private readonly List<InputDevice> _eyes = new List<InputDevice>();
        private InputDevice _left;
        private InputDevice _right;
        private InputDevice _gaze;
        private float _nextLook;

        /// <inheritdoc/>
        public override void Track(TrackingFrame frame)
        {
            LookForDevices();
            Hand(frame, _left, Parts.LeftAim, Parts.LeftGrip, Parts.LeftButtons);
            Hand(frame, _right, Parts.RightAim, Parts.RightGrip, Parts.RightButtons);
            if (IsTracked(_gaze))
            {
                Pose(frame, _gaze, Parts.Gaze, GazePosition, GazeRotation);
            }
        }

        /// <summary>Devices come and go; looking for them makes garbage, so it is done once a second.</summary>
        private void LookForDevices()
        {
            if (Time.unscaledTime < _nextLook)
            {
                return;
            }
            _nextLook = Time.unscaledTime + 1f;
            if (!_left.isValid)
            {
                _left = InputDevices.GetDeviceAtXRNode(XRNode.LeftHand);
            }
            if (!_right.isValid)
            {
                _right = InputDevices.GetDeviceAtXRNode(XRNode.RightHand);
            }
            if (!_gaze.isValid)
            {
                InputDevices.GetDevicesWithCharacteristics(InputDeviceCharacteristics.EyeTracking, _eyes);
                if (_eyes.Count > 0)
                {
                    _gaze = _eyes[0];
                }
            }
        }

        private static void Hand(TrackingFrame frame, InputDevice device, Parts aim, Parts grip, Parts buttons)
        {
            if (!IsTracked(device))
            {
                return;
            }
            Pose(frame, device, grip, CommonUsages.devicePosition, CommonUsages.deviceRotation);
            Pose(frame, device, aim, PointerPosition, PointerRotation);
            frame.SetButtons(buttons, Read(device));
        }

        /// <summary>Whether it is there and does not say that it is lost: a pose may stay where it was.</summary>
        private static bool IsTracked(InputDevice device)
        {
            bool tracked;
            return device.isValid && (!device.TryGetFeatureValue(CommonUsages.isTracked, out tracked) || tracked);
        }

        private static void Pose(
            TrackingFrame frame, InputDevice device, Parts part, InputFeatureUsage<Vector3> at, InputFeatureUsage<Quaternion> turned)
        {
            Vector3 position;
            Quaternion rotation;
            if (device.isValid && device.TryGetFeatureValue(at, out position) && device.TryGetFeatureValue(turned, out rotation))
            {
                frame.SetPose(part, Coordinates.ToWire(position, rotation));
            }
        }

        private static Buttons Read(InputDevice device)
        {
            var buttons = default(Buttons);
            Vector2 stick;
            device.TryGetFeatureValue(CommonUsages.trigger, out buttons.Trigger);
            device.TryGetFeatureValue(CommonUsages.grip, out buttons.Squeeze);
            if (device.TryGetFeatureValue(CommonUsages.primary2DAxis, out stick))
            {
                buttons.ThumbstickX = stick.x;
                buttons.ThumbstickY = stick.y;
            }
            device.TryGetFeatureValue(CommonUsages.primary2DAxisClick, out buttons.ThumbstickClick);
            device.TryGetFeatureValue(CommonUsages.primaryButton, out buttons.Primary);
            device.TryGetFeatureValue(CommonUsages.secondaryButton, out buttons.Secondary);
            device.TryGetFeatureValue(CommonUsages.menuButton, out buttons.Menu);
            return buttons;
        }
    }
}
